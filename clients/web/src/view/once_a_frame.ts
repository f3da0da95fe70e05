/** Draws at most once for each frame of the screen, however often it is asked to. */
export function onceAFrame(draw: () => void): () => void {
  let asked = false;
  return () => {
    if (!asked) {
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        draw();
      });
    }
  };
}
