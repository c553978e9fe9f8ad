import { resolve } from "node:path";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compressed } from "./compress.ts";

export default defineConfig({
  plugins: [react(), tailwindcss(), compressed()],
  // Relative: the same files work below any path.
  base: "./",
  resolve: { alias: { "@": resolve(import.meta.dirname, "src") } },
  build: {
    outDir: resolve(import.meta.dirname, "../app/web/dist"),
    emptyOutDir: true,
    target: "es2022",
    // Inlined files would need `data:` in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licences.md" },
    manifest: "manifest.json",
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/app/session": "http://127.0.0.1:8080" } },
});
