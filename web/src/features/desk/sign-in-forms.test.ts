import { expect, test } from "vitest";
import { Filled } from "@/ui/deed";
import { acceptance } from "./sign-in-forms";
import { address } from "./sign-ins-page";
import type { Person } from "./sign-in-queries";

function filled(fields: Record<string, string>) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return new Filled(data);
}

test("an existing member is named, and a new one described, never both", () => {
  const fields = { reason: "", member: "m", name: "ada", role: "ADMIN" };
  expect(acceptance("t", true, filled(fields))).toEqual({ team_id: "t", reason: null, member_id: "m" });
  expect(acceptance("t", false, filled(fields))).toEqual({
    team_id: "t",
    reason: null,
    name: "ada",
    role: "ADMIN",
  });
});

test("an address is as good as the issuer says", () => {
  const of = (email: string | null, email_verified: boolean | null) =>
    address({ email, email_verified } as Person);
  expect(of(null, null)).toBe("no address");
  expect(of("a@b.example", true)).toBe("a@b.example");
  expect(of("a@b.example", false)).toBe("a@b.example, not verified");
  expect(of("a@b.example", null)).toBe("a@b.example, of which the issuer says nothing");
});
