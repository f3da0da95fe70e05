import { defineConfig, globalIgnores } from "eslint/config";
import { configs } from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist/", "src/gen/", "**/*.made.ts", "**/*.js"]),
  configs.strictTypeChecked,
  configs.stylisticTypeChecked,
  // The contract has status codes as numbers, and a cast is what another rule removes.
  { rules: { "@typescript-eslint/no-unsafe-enum-assignment": "off" } },
  { languageOptions: { parserOptions: { projectService: true } } },
);
