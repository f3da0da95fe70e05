import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { TickcastError } from "@tickcast/client";
import { expect, it } from "vitest";
import { ErrorInfoSchema } from "../../../typescript/src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../../typescript/src/gen/google/rpc/status_pb.js";
import { problemOf, shortly } from "../../src/logic/problem.js";

function refusal(reason: string, message: string): TickcastError {
  const details = [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason }))];
  return TickcastError.ofStatus(create(StatusSchema, { code: 9, message, details }));
}

it("says a refusal in the words of the server, and what to do", () => {
  const problem = problemOf(refusal("TOO_FEW_BARS", "AAPL has 12 bars, needed 64"));
  expect(problem.title).toBe("AAPL has 12 bars, needed 64.");
  expect(problem.advice).toMatch(/enough bars have closed/);
});

it("says a refusal that it does not know in the words of the server alone", () => {
  expect(problemOf(refusal("NEW_REASON", "no."))).toEqual({ title: "No.", advice: "" });
});

it("says a refusal in a word or two for a row", () => {
  expect(shortly(refusal("TOO_FEW_BARS", ""))).toBe("too few bars");
  expect(shortly(refusal("NEW_REASON", ""))).toBe("new reason");
  expect(shortly(refusal("", ""))).toBe("refused");
});
