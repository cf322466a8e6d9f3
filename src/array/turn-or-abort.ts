/** Resolves when a piece may be moved beside the requests of hosts, or `signal` aborts: it has not yet. */
export async function turnOrAbort(
  turn: Promise<void> | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (turn === undefined) return;
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener('abort', stop, { once: true });
  });
  await Promise.race([turn, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
