import { bytes } from "@/lib/format";
import type { Option } from "./queries";

const NAMES: Record<string, string> = {
  "image/png": "PNG",
  "image/jpeg": "JPEG",
  "image/webp": "WebP",
};

export interface Picture {
  type: string;
  size: number;
  width?: number;
  height?: number;
}

/** Why an image cannot be taken, before it is sent; null if nothing speaks against it. */
export function refusedImage(rule: Option["image"], { type, size, width, height }: Picture): string | null {
  if (!rule) return null;
  if (!rule.content_types.includes(type))
    return `It must be ${formatsOf(rule)}; this is ${type || "of no known type"}.`;
  if (size > rule.max_bytes) return `It may have ${bytes(rule.max_bytes)}; this has ${bytes(size)}.`;
  if (!width || !height) return null;
  const is = `this is ${width} × ${height}`;
  if (rule.min_side && Math.min(width, height) < rule.min_side)
    return `Each side must have at least ${rule.min_side} pixels; ${is}.`;
  if (rule.max_side && Math.max(width, height) > rule.max_side)
    return `Each side may have at most ${rule.max_side} pixels; ${is}.`;
  const ratio = width / height;
  if ((rule.min_ratio && ratio < rule.min_ratio) || (rule.max_ratio && ratio > rule.max_ratio))
    return `Its width must be ${rule.min_ratio ?? 0} to ${rule.max_ratio ?? "any number of"} times its height; ${is}.`;
  return null;
}

export function formatsOf(rule: NonNullable<Option["image"]>): string {
  return rule.content_types.map((type) => NAMES[type] ?? type).join(", ");
}

/** With its width and height, where the browser can read them. */
export async function pictureOf(file: File): Promise<Picture> {
  const known = { type: file.type, size: file.size };
  if (typeof createImageBitmap !== "function") return known;
  try {
    const bitmap = await createImageBitmap(file);
    const found = { ...known, width: bitmap.width, height: bitmap.height };
    bitmap.close();
    return found;
  } catch {
    return known;
  }
}
