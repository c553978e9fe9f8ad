import { expect, test } from "vitest";
import { refusedImage } from "./image-checks";
import { ACME } from "./models.test-data";

const rule = ACME.options.find(({ kind }) => kind === "assets")?.image ?? null;
const of = (type: string, size: number, width?: number, height?: number) =>
  refusedImage(rule, { type, size, ...(width && { width }), ...(height && { height }) });

test("an image is refused before it is sent, with what is demanded and what it is", () => {
  expect(of("image/png", 1000, 640, 360)).toBeNull();
  expect(of("image/png", 1000)).toBeNull();
  expect(of("image/gif", 1000)).toBe("It must be PNG, JPEG; this is image/gif.");
  expect(of("", 1000)).toMatch(/of no known type/);
  expect(of("image/png", 1_000_001)).toBe("It may have 1.0 MB; this has 1.0 MB.");
  expect(of("image/png", 1000, 299, 400)).toMatch(/at least 300 pixels; this is 299 × 400/);
  expect(of("image/png", 1000, 5000, 4000)).toMatch(/at most 4096 pixels/);
  expect(of("image/png", 1000, 1000, 300)).toMatch(/0\.4 to 2\.5 times its height/);
  expect(refusedImage(null, { type: "image/gif", size: 1 })).toBeNull();
});
