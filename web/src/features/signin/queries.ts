import { mutationOptions } from "@tanstack/react-query";
import { own } from "@/api/client";

export const signInMutation = mutationOptions({
  mutationFn: (proof: { key: string } | { link: string }) => own("POST", "session", proof),
});

export const signOutMutation = mutationOptions({
  mutationFn: () => own("DELETE", "session"),
});
