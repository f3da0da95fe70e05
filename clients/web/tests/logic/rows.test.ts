import { expect, it } from "vitest";
import { matching, moved, windowOf } from "../../src/logic/rows.js";

const SYMBOLS = ["AAPL", "BAC", "BTC/USDT", "CAT", "GE"];

it("finds symbols by a part of their name, those that begin with it first", () => {
  expect(matching(SYMBOLS, "a")).toEqual(["AAPL", "BAC", "CAT"]);
  expect(matching(SYMBOLS, "c")).toEqual(["CAT", "BAC", "BTC/USDT"]);
  expect(matching(SYMBOLS, " usd ")).toEqual(["BTC/USDT"]);
  expect(matching(SYMBOLS, "x")).toEqual([]);
});

it("shows all symbols while nothing is typed", () => {
  expect(matching(SYMBOLS, " ")).toBe(SYMBOLS);
});

it("draws the rows in sight and a few around them", () => {
  const sight = { height: 400, row: 40, around: 3 };
  expect(windowOf(1_000, { top: 0, ...sight })).toEqual({ first: 0, last: 13 });
  expect(windowOf(1_000, { top: 4_000, ...sight })).toEqual({ first: 97, last: 113 });
  expect(windowOf(5, { top: 0, ...sight })).toEqual({ first: 0, last: 5 });
});

it.each([
  ["ArrowDown", 3],
  ["ArrowUp", 1],
  ["PageDown", 7],
  ["PageUp", 0],
  ["Home", 0],
  ["End", 9],
  ["x", undefined],
])("moves the selection by %s", (key, target) => {
  expect(moved(key, { index: 2, count: 10, page: 5 })).toBe(target);
});

it("keeps the selection inside the list", () => {
  expect(moved("ArrowDown", { index: 9, count: 10, page: 5 })).toBe(9);
  expect(moved("ArrowUp", { index: 0, count: 10, page: 5 })).toBe(0);
});

it("moves to the first row when none is selected, and nowhere in an empty list", () => {
  expect(moved("ArrowDown", { index: -1, count: 10, page: 5 })).toBe(0);
  expect(moved("ArrowDown", { index: -1, count: 0, page: 5 })).toBeUndefined();
});
