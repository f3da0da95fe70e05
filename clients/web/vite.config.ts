import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@tickcast\/client$/, replacement: path("../typescript/src/index.ts") },
      {
        find: /^@tickcast\/client\/v1\/(.*)$/,
        replacement: path("../typescript/src/gen/tickcast/v1/$1.ts"),
      },
    ],
    // The client's sources find their packages here.
    dedupe: ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-web"],
  },
  build: {
    outDir: path("../../server/src/tickcast_server/page"),
    emptyOutDir: true,
    target: "es2023",
    // What is in a file of its own may be loaded by the policy that the server sends with the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    fs: { allow: [path("."), path("../typescript")] },
    proxy: { "^/tickcast\\.v1\\.": process.env["TICKCAST_HTTP"] ?? "http://127.0.0.1:8080" },
  },
  // A real server starts first, and a browser.
  test: { testTimeout: 60_000, hookTimeout: 60_000 },
});
