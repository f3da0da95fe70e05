import { defineConfig } from "vitest/config";

export default defineConfig({
  // A real server starts first, and one test has it start again.
  test: { testTimeout: 60_000, hookTimeout: 60_000 },
});
