import type { Schemas } from "./client";

export type Problem = Pick<
  Schemas["Problem"],
  "title" | "detail" | "code" | "status" | "billed" | "retry_safe" | "request_id"
> & {
  /** Of single fields, named as in the request. */
  errors?: { field: string; message: string }[];
  /** The person has to prove who it is once more. */
  sign_in_again?: boolean;
};

/** An answer of the gateway that is no success, as it told it itself. */
export class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "Refused";
    this.problem = problem;
  }

  static offline(): Refused {
    return new Refused({
      title: "The gateway does not answer",
      detail: "Nothing came back: the network or the gateway is away.",
      code: "offline",
      status: 0,
      billed: null,
      retry_safe: false,
      request_id: "",
    });
  }

  get signedOut(): boolean {
    return this.problem.status === 401;
  }
}

export async function refusal(response: Response): Promise<Refused> {
  const known = (await response.json().catch(() => ({}))) as Partial<Problem>;
  return new Refused({
    title: known.title ?? "Something answered in place of the gateway",
    detail: known.detail ?? `Status ${response.status}, without a reason.`,
    code: known.code ?? "unreadable",
    status: response.status,
    billed: known.billed ?? null,
    retry_safe: known.retry_safe ?? false,
    errors: known.errors ?? [],
    sign_in_again: known.sign_in_again ?? false,
    request_id: known.request_id ?? response.headers.get("x-request-id") ?? "",
  });
}
