import type { ReactNode } from "react";
import { Refused } from "@/api/problem";
import { Button } from "./button";
import { Empty, Failure, Loading } from "./notices";

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  refetch: () => unknown;
}

/** What a question to the gateway brought, or why it brought nothing. */
export function Answer<T>({
  query,
  what,
  children,
}: {
  query: Asked<T>;
  what: string;
  children: (data: T) => ReactNode;
}) {
  const { data, error } = query;
  if (error instanceof Refused && error.problem.status === 403)
    return <Empty title={error.problem.title}>{error.problem.detail}</Empty>;
  const failure = error ? <Failure error={error} retry={() => void query.refetch()} /> : null;
  if (data === undefined) return failure ?? <Loading what={what} />;
  return (
    <>
      {failure}
      {children(data)}
    </>
  );
}

interface Paged {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

/** The next page of a list, where there is one. */
export function More({ list }: { list: Paged }) {
  if (!list.hasNextPage) return null;
  return (
    <p className="mt-3 text-center">
      <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        {list.isFetchingNextPage ? "Loading …" : "Show more"}
      </Button>
    </p>
  );
}
