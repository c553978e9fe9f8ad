import { type ClassValue, clsx } from "clsx";
import { twMerge } from "tailwind-merge";

/** Class names, of which later ones replace earlier ones of the same kind. */
export function classes(...given: ClassValue[]): string {
  return twMerge(clsx(given));
}
