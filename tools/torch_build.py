"""Check that this environment's torch is a CUDA build, as the cuda profile needs: `python tools/torch_build.py`."""

from __future__ import annotations

import sys


def main() -> int:
    """Print what was found in one line; return 1 for a CPU build."""
    import torch

    if torch.version.cuda is None:
        hint = "Unset what offers it on this machine (UV_FIND_LINKS, UV_INDEX), run make clean and try again"
        print(f"error: torch {torch.__version__} is a CPU build, profile cuda needs CUDA. {hint}", file=sys.stderr)
        return 1
    print(f"torch {torch.__version__} for CUDA {torch.version.cuda}; {torch.cuda.device_count()} GPUs on this node")
    return 0


if __name__ == "__main__":
    sys.exit(main())
