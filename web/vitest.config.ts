import { mergeConfig } from "vite";
import { defineConfig } from "vitest/config";
import pages from "./vite.config.ts";

export default mergeConfig(
  pages,
  defineConfig({
    test: {
      environment: "jsdom",
      include: ["src/**/*.test.{ts,tsx}"],
      setupFiles: ["src/setup.test-environment.ts"],
      restoreMocks: true,
      // All cores: by default one is left for whoever watches the tests.
      maxWorkers: "100%",
      // Typing into a form takes seconds while the machine runs other tests, too.
      testTimeout: 60_000,
    },
  }),
);
