// The colours of the charts are those of the style sheet, light or dark as the reader has it.
import { useEffect, useState } from "../vendor/htm-preact.js";
import { OPTION_COLORS } from "./options.js";

const NAMES = ["text", "muted", "line", "deviant", "aligned", "accent", "band", "tip", "change", ...OPTION_COLORS];
const DARK = matchMedia("(prefers-color-scheme: dark)");

function read() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

export function usePalette() {
  const [palette, setPalette] = useState(read);
  useEffect(() => {
    const changed = () => setPalette(read());
    DARK.addEventListener("change", changed);
    return () => DARK.removeEventListener("change", changed);
  }, []);
  return palette;
}
