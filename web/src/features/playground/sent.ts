import { onceKey } from "@/lib/once";
import { digest } from "./code/plain";
import type { Body } from "./queries";

/** What was sent from this tab: `once` is its `Idempotency-Key`, `id` the generation it became. */
export interface Sent {
  once: string;
  id?: string;
}

const PLACE = "reelgate.play";
const MOST = 20;

/**
 * Which requests this tab has sent, without what they say. Kept over a reload, so that the answer
 * to a click may be lost with the page: the same form then sends the same key.
 */
export class SentRequests {
  private readonly known: Map<string, Sent>;
  /** Of forms that nothing was sent of. */
  private readonly fresh = new Map<string, string>();

  constructor(
    private readonly member: string,
    private readonly storage: Pick<Storage, "getItem" | "setItem"> | null,
  ) {
    this.known = new Map(read(storage));
  }

  find(body: Body): Sent | undefined {
    return this.known.get(this.nameOf(body));
  }

  /** The key of a form from the moment it says this, until a generation came of it. */
  onceOf(body: Body): string {
    const name = this.nameOf(body);
    const known = this.known.get(name)?.once ?? this.fresh.get(name) ?? onceKey();
    this.fresh.set(name, known);
    return known;
  }

  /** Before the request goes. */
  sending(body: Body, once: string): void {
    this.keep(this.nameOf(body), { once });
  }

  /** It is a generation now. */
  became(body: Body, once: string, id: string): void {
    this.keep(this.nameOf(body), { once, id });
  }

  /** The next one of the same is another generation. */
  again(body: Body): void {
    const name = this.nameOf(body);
    this.known.delete(name);
    this.fresh.delete(name);
    this.save();
  }

  private nameOf(body: Body): string {
    return digest(`${this.member} ${JSON.stringify(body)}`);
  }

  private keep(name: string, sent: Sent): void {
    this.known.delete(name);
    this.known.set(name, sent);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MOST) break;
      this.known.delete(oldest);
    }
    this.save();
  }

  private save(): void {
    try {
      this.storage?.setItem(PLACE, JSON.stringify([...this.known]));
    } catch {
      // Full, or not allowed: then it is known until the page is left.
    }
  }
}

function read(storage: Pick<Storage, "getItem"> | null): [string, Sent][] {
  try {
    const found: unknown = JSON.parse(storage?.getItem(PLACE) ?? "[]");
    return Array.isArray(found) ? (found as [string, Sent][]) : [];
  } catch {
    return [];
  }
}
