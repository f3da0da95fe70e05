/** The colours that canvases are drawn with, from the styles of the page. */
export interface Palette {
  readonly ink: string;
  readonly quiet: string;
  readonly grid: string;
  readonly up: string;
  readonly down: string;
  readonly band: string;
  readonly bandEdge: string;
  readonly predicted: string;
  readonly miss: string;
}

/** As they are now: they change with the theme. */
export function currentPalette(): Palette {
  const styles = getComputedStyle(document.documentElement);
  const colour = (name: string) => styles.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour("ink"),
    quiet: colour("quiet"),
    grid: colour("grid"),
    up: colour("up"),
    down: colour("down"),
    band: colour("band"),
    bandEdge: colour("band-edge"),
    predicted: colour("predicted"),
    miss: colour("miss"),
  };
}
