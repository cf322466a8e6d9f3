/** Hands pools to the state checker and starts it anew when a pool has ended it. */
import { type ChildProcess, fork } from 'node:child_process';
import { builtProgram } from '../support/built-program.js';
import type { StateReport } from './programs/state-checker.js';

/** How a test judges a pool: the report of the state checker, or how that ended. */
export class StateJudge {
  private child: ChildProcess | undefined;

  async judge(directory: string): Promise<StateReport> {
    const child = this.child ?? this.started();
    return new Promise((resolve) => {
      let lastWords = '';
      const hear = (words: Buffer) => {
        lastWords += words;
      };
      // Not 'exit': last words may come after it.
      const end = (status: number | null, signal: string | null) => {
        this.child = undefined;
        const failure = `the state checker ended with ${signal ?? status}: ${lastWords}`;
        resolve({ failure, findings: [], copies: new Map() });
      };
      child.stderr?.on('data', hear);
      child.once('close', end);
      child.once('message', (report: StateReport) => {
        child.off('close', end);
        child.stderr?.off('data', hear);
        resolve(report);
      });
      child.send(directory);
    });
  }

  /** Resolves when the process has ended and holds no file any more. */
  async close(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  private started(): ChildProcess {
    this.child = fork(builtProgram('power-cut', 'state-checker'), [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    return this.child;
  }
}
