/** The path of a line through values, `width` by `height`; empty for fewer than two. */
export function linePath(values: readonly number[], width: number, height: number): string {
  if (values.length < 2) {
    return "";
  }
  const low = Math.min(...values);
  const high = Math.max(...values);
  const step = width / (values.length - 1);
  const places = values.map((value, index) => {
    const y = high === low ? height / 2 : height * (1 - (value - low) / (high - low));
    return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return `M${places.join("L")}`;
}
