import { expect, it } from "vitest";
import { Coalesced } from "../../src/desk/coalesced.js";

/** Work that goes on until it is told to end. */
function work(): { coalesced: Coalesced; begun: () => number; end: () => void } {
  const ends: (() => void)[] = [];
  let begun = 0;
  const coalesced = new Coalesced(() => {
    begun += 1;
    return new Promise((resolve) => ends.push(resolve));
  });
  return { coalesced, begun: () => begun, end: () => ends.shift()?.() };
}

it("works once more for all who ask while it works", async () => {
  const { coalesced, begun, end } = work();
  const first = coalesced.run();
  const others = [coalesced.run(), coalesced.run()];
  expect(begun()).toBe(1);
  end();
  await first;
  expect(begun()).toBe(2);
  end();
  await Promise.all(others);
  expect(begun()).toBe(2);
});

it("works again when it is asked again", async () => {
  const { coalesced, begun, end } = work();
  for (const expected of [1, 2]) {
    const done = coalesced.run();
    end();
    await done;
    expect(begun()).toBe(expected);
  }
});
