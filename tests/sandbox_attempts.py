"""Attempts to get out of the sandbox, by name. Each prints ESCAPED only if it achieved what it tried."""

from __future__ import annotations

LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"


def syscall(number: int, *arguments: object, good: str = "result >= 0") -> str:
    """Return code that makes a raw system call (x86_64 number) and prints ESCAPED if it is allowed."""
    values = "".join(f", {argument}" for argument in arguments)
    return f"{LIBC}result = libc.syscall({number}{values})\nif {good}: print('ESCAPED', result)"


def trying(code: str) -> str:
    """Return code that prints ESCAPED if `code` runs without an exception."""
    body = "".join(f"    {line}\n" for line in code.splitlines())
    return f"try:\n{body}    print('ESCAPED')\nexcept BaseException as error:\n    print(type(error).__name__, error)"


ATTEMPTS: dict[str, str] = {
    # network
    "tcp": trying("import socket\nsocket.create_connection(('1.1.1.1', 80), 2)"),
    "tcp_loopback": trying("import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)"),
    "udp": trying(
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'x', ('8.8.8.8', 53))"
    ),
    "dns": trying("import socket\nsocket.gethostbyname('example.com')"),
    "metadata_address": trying("import urllib.request\nurllib.request.urlopen('http://169.254.169.254/', timeout=2)"),
    "metadata_address_v6": trying("import socket\nsocket.create_connection(('fd00:ec2::254', 80), 2)"),
    "unix_socket": trying("import socket\nsocket.socket(socket.AF_UNIX)"),
    "raw_socket": trying("import socket\nsocket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"),
    "netlink": trying("import socket\nsocket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"),
    "socketpair": trying("import socket\nsocket.socketpair()"),
    # files and environment of the host
    "etc_passwd": trying("open('/etc/passwd').read()"),
    "etc_shadow": trying("open('/etc/shadow').read()"),
    "home": trying("import os\nassert os.listdir('/home')"),
    "ssh_keys": trying("import os\nassert os.listdir('/root/.ssh')"),
    "project_folder": trying("open({project!r} + '/README.md').read()"),
    "secret_file": trying("open({secret!r}).read()"),
    "environment": "import os\nif 'ATP_SECRET' in os.environ: print('ESCAPED')",
    "proc_self_environ": trying("open('/proc/self/environ', 'rb').read()"),
    "proc_1_environ": trying("open('/proc/1/environ', 'rb').read()"),
    "proc_1_root": trying("import os\nos.listdir('/proc/1/root')"),
    "proc_parent_memory": trying("import os\nopen(f'/proc/{{os.getppid()}}/mem', 'rb').read(1)"),
    "sys": trying("import os\nassert os.listdir('/sys')"),
    "parent_folders": trying("open('../../../../../../etc/hostname').read()"),
    "libc_open": syscall(2, "b'/etc/passwd'", 0),
    # writing
    "write_root": trying("open('/x', 'w').write('x')"),
    "write_tmp": trying("open('/tmp/x', 'w').write('x')"),
    "write_usr": trying("open('/usr/lib/x', 'w').write('x')"),
    "write_packages": trying("open('/packages/sympy/__init__.py', 'a').write('x')"),
    "write_server": trying("open('/server/server.py', 'a').write('x')"),
    "write_shm": trying("open('/dev/shm/x', 'w').write('x')"),
    "make_folder": trying("import os\nos.mkdir('/dev/x')"),
    "delete_library": trying("import os\nos.remove('/packages/mpmath/__init__.py')"),
    "symlink": trying("import os\nos.symlink('/etc', '/dev/link')"),
    "hardlink": trying("import os\nos.link('/server/server.py', '/server/other.py')"),
    "make_device": trying("import os\nos.mknod('/dev/disk', 0o60600, os.makedev(8, 0))"),
    "memfd": syscall(319, "b'x'", 0),
    "temporary_file": trying("import tempfile\ntempfile.TemporaryFile().write(b'x')"),
    # processes and threads
    "fork": trying("import os\nos.fork()"),
    "vfork": syscall(58, good="result > 0"),
    "clone_raw": syscall(56, 17, 0, 0, 0, 0, good="result > 0"),
    "clone3": syscall(435, 0, 0, good="result >= 0"),
    "fork_bomb": trying("import os\nwhile True: os.fork()"),
    "daemon": trying("import os\nif os.fork() == 0:\n    os.setsid()\n    os.fork()"),
    "system": "import os\nif os.system('true') == 0: print('ESCAPED')",
    "subprocess": trying("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'pass'])"),
    "execve": trying("import os, sys\nos.execv(sys.executable, [sys.executable, '-c', 'print(1)'])"),
    "multiprocessing": trying(
        "import multiprocessing\nmultiprocessing.get_context('fork').Process(target=print).start()"
    ),
    "thread": trying("import threading\nthreading.Thread(target=print).start()"),
    "thread_bomb": trying(
        "import threading, time\nfor _ in range(999): threading.Thread(target=time.sleep, args=(9,)).start()"
    ),
    # signals and tracing
    "kill_init": trying("import os\nos.kill(1, 9)"),
    "kill_everyone": trying("import os\nos.kill(-1, 9)"),
    "kill_parent": trying("import os\nos.kill(os.getppid(), 9)"),
    "kill_group": trying("import os\nos.killpg(0, 9)"),
    "tgkill": syscall(234, 2, 2, 9),
    "pidfd_signal": syscall(434, 2, 0),
    "queue_signal": syscall(129, 2, 9, 0),
    "sigio_owner": trying("import fcntl\nfcntl.fcntl(3, fcntl.F_SETOWN, 2)"),
    "ptrace_attach": syscall(101, 16, 2, 0, 0),
    "ptrace_me": syscall(101, 0, 0, 0, 0),
    "read_parent_memory": syscall(310, 2, 0, 0, 0, 0, 0),
    "write_parent_memory": syscall(311, 2, 0, 0, 0, 0, 0),
    "dumpable": syscall(157, 4, 1, 0, 0, 0),
    # privileges and namespaces
    "setuid": trying("import os\nos.setuid(0)"),
    "setresuid": trying("import os\nos.setresuid(0, 0, 0)"),
    "setgroups": trying("import os\nos.setgroups([0])"),
    "capset": syscall(126, 0, 0),
    "user_namespace": syscall(272, 0x10000000),
    "mount_namespace": syscall(272, 0x00020000),
    "join_namespace": syscall(308, 3, 0),
    "chroot": trying("import os\nos.chroot('/dev')"),
    "pivot_root": syscall(155, "b'/'", "b'/dev'"),
    "mount": syscall(165, "b'none'", "b'/dev'", "b'tmpfs'", 0, 0),
    "remount_writable": syscall(165, "b'none'", "b'/'", 0, 32, 0),
    "bind_mount": syscall(165, "b'/usr'", "b'/dev'", 0, 4096, 0),
    "open_tree": syscall(428, -100, "b'/'", 1),
    # kernel interfaces
    "keyctl": syscall(250, 0, -3, 1),
    "add_key": syscall(248, "b'user'", "b'x'", "b'y'", 1, -3),
    "request_key": syscall(249, "b'user'", "b'x'", 0, -3),
    "bpf": syscall(321, 0, 0, 0),
    "perf_event": syscall(298, 0, 0, -1, -1, 0),
    "io_uring": syscall(425, 1, 0),
    "userfaultfd": syscall(323, 0),
    "terminal_injection": trying("import fcntl, termios\nfcntl.ioctl(0, termios.TIOCSTI, b'x')"),
    "shared_memory": syscall(29, 1, 4096, 0o1600),
    "message_queue": syscall(240, "b'/q'", 0o102, 0o600, 0),
    "reboot": syscall(169, 0xFEE1DEAD, 672274793, 0, 0),
    "kernel_module": syscall(175, 0, 0, "b''"),
    "clock": syscall(227, 0, 0),
    "host_name": syscall(170, "b'x'", 1),
    "seccomp_off": syscall(157, 22, 0, 0, 0, 0),
    "seccomp_call": syscall(317, 0, 0, 0),
    "x32_calls": syscall(0x40000000 + 39),
    # limits
    "raise_limits": trying("import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))"),
    "parents_limits": syscall(302, 2, 9, 0, 0),
    "priority": trying("import os\nos.nice(-5)"),
    "lock_memory": syscall(151, 3),
    # what the server left lying about
    "inherited_files": (
        "import os\nfor number in range(4, 256):\n    try:\n        os.fstat(number)\n        print('ESCAPED', number)\n"
        "    except OSError:\n        pass"
    ),
    "servers_sessions": (
        "import gc\nservers = [o for o in gc.get_objects() if type(o).__name__ == 'Server']\n"
        "if any(server._sessions for server in servers): print('ESCAPED')"
    ),
    "servers_frames": (
        "import sys\nframe = sys._getframe()\nwhile frame:\n    state = frame.f_locals.get('self')\n"
        "    if getattr(state, '_sessions', None): print('ESCAPED')\n    frame = frame.f_back"
    ),
}
