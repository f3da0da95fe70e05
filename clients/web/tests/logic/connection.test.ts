import { beforeEach, expect, it } from "vitest";
import { Connection } from "../../src/logic/connection.js";

let now = 0;
let connection: Connection;

beforeEach(() => {
  now = 0;
  connection = new Connection(() => now);
});

it("is connecting until the server says something", () => {
  expect(connection.state).toBe("connecting");
  connection.heard();
  expect(connection.state).toBe("serving");
});

it("is reconnecting for a while, then away, then serving again", () => {
  connection.heard();
  connection.lost();
  expect(connection.state).toBe("reconnecting");
  now = 5_000;
  connection.lost();
  expect(connection.state).toBe("away");
  expect(connection.outageMs).toBe(5_000);
  connection.heard();
  expect(connection.state).toBe("serving");
  expect(connection.outageMs).toBeUndefined();
});

it("waits longer each time, up to some seconds, and little again after an outage", () => {
  const waits = Array.from({ length: 7 }, () => connection.lost());
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
  connection.heard();
  expect(connection.lost()).toBe(250);
});
