import { defineConfig, globalIgnores } from "eslint/config";
import { configs } from "typescript-eslint";

export default defineConfig(
  globalIgnores(["**/*.js"]),
  configs.strictTypeChecked,
  configs.stylisticTypeChecked,
  // A number in a template is what it says; a price has its own form where it is shown.
  {
    rules: { "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }] },
  },
  { languageOptions: { parserOptions: { projectService: true } } },
);
