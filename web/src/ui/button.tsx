import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { classes } from "@/lib/classes";

const LOOKS = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong",
  plain: "border border-control bg-surface hover:bg-sunken",
  quiet: "hover:bg-sunken",
  danger: "border border-danger text-danger bg-surface hover:bg-danger-soft",
};

export function Button({
  look = "plain",
  asChild = false,
  className,
  ...rest
}: ComponentProps<"button"> & { look?: keyof typeof LOOKS; asChild?: boolean }) {
  const Part = asChild ? Slot.Root : "button";
  return (
    <Part
      type={asChild ? undefined : "button"}
      className={classes(
        "inline-flex min-h-9 items-center justify-center gap-2 rounded-md px-3 py-1.5 text-sm font-medium",
        "disabled:cursor-not-allowed disabled:opacity-60",
        LOOKS[look],
        className,
      )}
      {...rest}
    />
  );
}
