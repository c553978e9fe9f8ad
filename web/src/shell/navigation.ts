import {
  ChartColumn,
  Clapperboard,
  KeyRound,
  type LucideIcon,
  RadioTower,
  Sparkles,
  UserRound,
  Webhook,
} from "lucide-react";
import type { Me } from "@/api/me";

export interface Entry {
  to: string;
  label: string;
  icon: LucideIcon;
  /** Whether the API would let this person do anything there. */
  open: (me: Me) => boolean;
}

/** In the order of the side bar. A page of the desk asks for `me.operates` or `me.manages_team`. */
export const ENTRIES: Entry[] = [
  { to: "/play", label: "Playground", icon: Sparkles, open: (me) => me.key.scopes.includes("generate") },
  { to: "/videos", label: "Videos", icon: Clapperboard, open: () => true },
  { to: "/usage", label: "Usage", icon: ChartColumn, open: () => true },
  { to: "/keys", label: "Keys", icon: KeyRound, open: () => true },
  { to: "/webhooks", label: "Webhooks", icon: Webhook, open: () => true },
  {
    to: "/desk",
    label: "Desk",
    icon: RadioTower,
    open: (me) => me.operates || me.manages_team,
  },
  { to: "/me", label: "Account", icon: UserRound, open: () => true },
];
