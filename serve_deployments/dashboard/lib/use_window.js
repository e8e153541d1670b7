// Which part of a large scrolled area is seen, so only that is drawn.
import { useLayoutEffect, useState } from "../vendor/htm-preact.js";

export function useWindow(ref) {
  const [seen, setSeen] = useState({ left: 0, top: 0, width: 0, height: 0 });
  useLayoutEffect(() => {
    const box = ref.current;
    const look = () =>
      setSeen({ left: box.scrollLeft, top: box.scrollTop, width: box.clientWidth, height: box.clientHeight });
    const sized = new ResizeObserver(look);
    sized.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    look();
    return () => {
      sized.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, []);
  return seen;
}

// The first and one past the last of `count` entries of `size` pixels that are seen, with one to spare on either side.
export function seenRange(from, length, size, count) {
  return [Math.max(0, Math.floor(from / size) - 1), Math.min(count, Math.ceil((from + length) / size) + 1)];
}
