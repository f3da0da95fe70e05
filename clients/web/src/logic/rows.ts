/** Which rows of a long list are drawn. */
export interface Window {
  readonly first: number;
  /** Exclusive. */
  readonly last: number;
}

/** The symbols that contain what was typed, those that begin with it first. */
export function matching(symbols: readonly string[], typed: string): readonly string[] {
  const wanted = typed.trim().toUpperCase();
  if (!wanted) {
    return symbols;
  }
  const found = symbols.filter((symbol) => symbol.toUpperCase().includes(wanted));
  const begins = (symbol: string) => Number(!symbol.toUpperCase().startsWith(wanted));
  return found.sort((one, other) => begins(one) - begins(other));
}

/** The rows that are in sight, and a few around them. */
export function windowOf(
  count: number,
  { top, height, row, around }: { top: number; height: number; row: number; around: number },
): Window {
  const first = Math.max(0, Math.floor(top / row) - around);
  return { first, last: Math.min(count, Math.ceil((top + height) / row) + around) };
}

/** Where a key moves the selection to; undefined for a key that moves nothing. */
export function moved(
  key: string,
  { index, count, page }: { index: number; count: number; page: number },
): number | undefined {
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1,
  };
  const target = targets[key];
  return target === undefined || count === 0 ? undefined : Math.min(Math.max(target, 0), count - 1);
}
