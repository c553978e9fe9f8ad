import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  redirect,
} from "@tanstack/react-router";
import { meQuery } from "@/api/me";
import { Refused } from "@/api/problem";
import { catalogueSearch } from "@/features/catalogue/search";
import { videosSearch } from "@/features/gallery/search";
import { auditSearch } from "@/features/desk/audit-search";
import { deliveriesSearch } from "@/features/deliveries/search";
import { moneySearch } from "@/features/money/search";
import { playSearch } from "@/features/playground/search";
import { storiesSearch } from "@/features/stories/search";
import { usageSearch } from "@/features/usage/search";
import { PAGES } from "@/lib/place";
import { Frame } from "@/shell/frame";
import { Empty, Failure, Loading } from "@/ui/notices";

interface Context {
  queries: QueryClient;
}

const root = createRootRouteWithContext<Context>()({
  notFoundComponent: () => (
    <Empty title="There is no such page">
      <Link to="/videos" className="text-accent underline">
        To your videos
      </Link>
    </Empty>
  ),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (given: Record<string, unknown>): { next?: string } =>
    // An address of these pages and of nobody else.
    typeof given.next === "string" && /^\/(?![/\\])/.test(given.next) ? { next: given.next } : {},
  component: lazyRouteComponent(() => import("@/features/signin/sign-in-page"), "SignInPage"),
});

/** Everything inside knows who is signed in before it loads. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queries.query(meQuery);
    } catch (error) {
      if (error instanceof Refused && error.signedOut) {
        const next = location.href === "/" ? {} : { next: location.href };
        throw redirect({ to: "/sign-in", search: next });
      }
      throw error;
    }
  },
  component: Frame,
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  beforeLoad: async ({ context }) => {
    const me = await context.queries.query(meQuery);
    const plays = me.key.scopes.includes("generate") && me.status !== "SUSPENDED";
    throw redirect({ to: me.operates ? "/desk" : plays ? "/play" : "/videos", replace: true });
  },
});

const play = createRoute({
  getParentRoute: () => inside,
  path: "/play",
  validateSearch: playSearch,
  component: lazyRouteComponent(() => import("@/features/playground/play-page"), "PlayPage"),
});

const videos = createRoute({
  getParentRoute: () => inside,
  path: "/videos",
  validateSearch: videosSearch,
  component: lazyRouteComponent(() => import("@/features/gallery/gallery-page"), "GalleryPage"),
});

const video = createRoute({
  getParentRoute: () => inside,
  path: "/videos/$id",
  component: lazyRouteComponent(() => import("@/features/gallery/video-page"), "VideoPage"),
});

const usage = createRoute({
  getParentRoute: () => inside,
  path: "/usage",
  validateSearch: usageSearch,
  component: lazyRouteComponent(() => import("@/features/usage/usage-page"), "UsagePage"),
});

const keys = createRoute({
  getParentRoute: () => inside,
  path: "/keys",
  component: lazyRouteComponent(() => import("@/features/keys/keys-page"), "KeysPage"),
});

const webhooks = createRoute({
  getParentRoute: () => inside,
  path: "/webhooks",
  component: lazyRouteComponent(() => import("@/features/webhooks/webhooks-page"), "WebhooksPage"),
});

const me = createRoute({
  getParentRoute: () => inside,
  path: "/me",
  component: lazyRouteComponent(() => import("@/features/sessions/account-page"), "AccountPage"),
});

const desk = createRoute({
  getParentRoute: () => inside,
  path: "/desk",
  component: lazyRouteComponent(() => import("@/features/desk/desk-frame"), "DeskFrame"),
});

const now = createRoute({
  getParentRoute: () => desk,
  path: "/",
  component: lazyRouteComponent(() => import("@/features/desk/now-page"), "NowPage"),
});

const generations = createRoute({
  getParentRoute: () => desk,
  path: "/generations",
  validateSearch: storiesSearch,
  component: lazyRouteComponent(
    () => import("@/features/stories/generations-page"),
    "GenerationsPage",
  ),
});

const story = createRoute({
  getParentRoute: () => desk,
  path: "/generations/$id",
  component: lazyRouteComponent(() => import("@/features/stories/story-page"), "StoryPage"),
});

const unknowns = createRoute({
  getParentRoute: () => desk,
  path: "/unknowns",
  component: lazyRouteComponent(() => import("@/features/desk/unknowns-page"), "UnknownsPage"),
});

const deliveries = createRoute({
  getParentRoute: () => desk,
  path: "/deliveries",
  validateSearch: deliveriesSearch,
  component: lazyRouteComponent(
    () => import("@/features/deliveries/deliveries-page"),
    "DeliveriesPage",
  ),
});

const signIns = createRoute({
  getParentRoute: () => desk,
  path: "/sign-ins",
  component: lazyRouteComponent(() => import("@/features/desk/sign-ins-page"), "SignInsPage"),
});

const controls = createRoute({
  getParentRoute: () => desk,
  path: "/controls",
  component: lazyRouteComponent(() => import("@/features/desk/controls-page"), "ControlsPage"),
});

const audit = createRoute({
  getParentRoute: () => desk,
  path: "/audit",
  validateSearch: auditSearch,
  component: lazyRouteComponent(() => import("@/features/desk/audit-page"), "AuditPage"),
});

const teams = createRoute({
  getParentRoute: () => desk,
  path: "/teams",
  component: lazyRouteComponent(() => import("@/features/teams/teams-page"), "TeamsPage"),
});

const team = createRoute({
  getParentRoute: () => desk,
  path: "/teams/$id",
  component: lazyRouteComponent(() => import("@/features/teams/team-page"), "TeamPage"),
});

const upstream = createRoute({
  getParentRoute: () => desk,
  path: "/upstream",
  component: lazyRouteComponent(() => import("@/features/upstream/upstream-page"), "UpstreamPage"),
});

const money = createRoute({
  getParentRoute: () => desk,
  path: "/money",
  validateSearch: moneySearch,
  component: lazyRouteComponent(() => import("@/features/money/money-page"), "MoneyPage"),
});

const catalogue = createRoute({
  getParentRoute: () => desk,
  path: "/catalogue",
  validateSearch: catalogueSearch,
  component: lazyRouteComponent(
    () => import("@/features/catalogue/catalogue-page"),
    "CataloguePage",
  ),
});

const atDesk = desk.addChildren([
  now,
  generations,
  story,
  unknowns,
  deliveries,
  teams,
  team,
  money,
  upstream,
  catalogue,
  signIns,
  controls,
  audit,
]);
const tree = root.addChildren([
  signIn,
  inside.addChildren([home, play, videos, video, usage, keys, webhooks, me, atDesk]),
]);

export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    basepath: PAGES.pathname,
    context: { queries },
    defaultPreload: "intent",
    // Queries decide what is fresh.
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultPendingComponent: () => <Loading what="the page" />,
    defaultErrorComponent: ({ error, reset }) => <Failure error={error} retry={reset} />,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
