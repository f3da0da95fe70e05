import { expect, it } from "vitest";
import { linePath } from "../../src/logic/sparkline.js";

it("goes from the lowest value at the bottom to the highest at the top", () => {
  expect(linePath([1, 3, 2], 20, 10)).toBe("M0.0,10.0L10.0,0.0L20.0,5.0");
});

it("is flat in the middle when nothing has moved", () => {
  expect(linePath([2, 2], 20, 10)).toBe("M0.0,5.0L20.0,5.0");
});

it("needs two values", () => {
  expect(linePath([1], 20, 10)).toBe("");
});
