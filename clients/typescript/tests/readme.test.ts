import { readFile, rm, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { Server } from "./server.js";

const MADE = new URL("readme.made.ts", import.meta.url);

let server: Server;

beforeAll(async () => {
  server = await Server.start();
});
afterAll(async () => {
  await server.stop();
  await rm(MADE, { force: true });
});

it("does what the README says, as typed", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1]);
  const program = examples
    .join("")
    .replace("@tickcast/client", "../src/index.js")
    .replace("http://localhost:8080", server.baseUrl)
    .replaceAll("models/daily-ridge", "models/tiny");
  await writeFile(MADE, program);
  const said = vi.spyOn(console, "log").mockReturnValue(undefined);
  await import(MADE.href);
  const lines = said.mock.calls;
  said.mockRestore();
  expect(lines).toHaveLength(4);
  expect(lines[1]).toEqual(["AAPL", expect.any(Number)]);
  expect(lines[2]?.[0]).toBe("SYMBOL_NOT_FOUND");
});
