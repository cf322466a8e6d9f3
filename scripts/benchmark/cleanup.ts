/**
 * Undoes what the benchmark has set up, newest first, however the run ends: by itself, by an error
 * or by Ctrl-C. Actions are synchronous, so that a signal's handler can finish them before it exits.
 */

export class Cleanup {
  private readonly actions: (() => void)[] = [];

  /** Registers `action`; the function returned runs it now instead of at the end. */
  add(action: () => void): () => void {
    this.actions.push(action);
    return () => {
      const index = this.actions.indexOf(action);
      if (index < 0) return;
      this.actions.splice(index, 1);
      action();
    };
  }

  /** Runs what is left. An action that fails is told and does not keep the others from running. */
  runAll(): void {
    for (let action = this.actions.pop(); action; action = this.actions.pop()) {
      try {
        action();
      } catch (error) {
        console.error(`cleaning up: ${error instanceof Error ? error.message : error}`);
      }
    }
  }

  /** Cleans up and ends the process on the signals that end a program from outside, and on a bug. */
  onEnd(): void {
    process.once('uncaughtException', (error) => {
      console.error(error);
      this.runAll();
      process.exit(1);
    });
    for (const [signal, status] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      process.once(signal, () => {
        console.error(`\n${signal}: cleaning up`);
        this.runAll();
        process.exit(status);
      });
    }
  }
}
