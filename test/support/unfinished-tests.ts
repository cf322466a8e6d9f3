/**
 * A vitest reporter that keeps a file, $ARRAYFS_TEST_UNFINISHED, with what has begun and not ended: where a
 * test hangs without its own time limit seeing it (a worker that is blocked), scripts/test says which.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export default class UnfinishedTests implements Reporter {
  readonly #file = process.env.ARRAYFS_TEST_UNFINISHED;
  readonly #unfinished = new Map<string, string>();

  onTestModuleStart(module: TestModule): void {
    this.#begin(module.id, `${module.project.name}: ${module.relativeModuleId}`);
  }

  onTestModuleEnd(module: TestModule): void {
    // With its tests: what is told of a test may come in another order.
    for (const id of this.#unfinished.keys()) if (id.startsWith(module.id)) this.#end(id);
  }

  onTestCaseReady(test: TestCase): void {
    const { module } = test;
    this.#begin(test.id, `${module.project.name}: ${module.relativeModuleId}: ${test.fullName}`);
  }

  onTestCaseResult(test: TestCase): void {
    this.#end(test.id);
  }

  #begin(id: string, name: string): void {
    this.#unfinished.set(id, name);
    this.#write();
  }

  #end(id: string): void {
    this.#unfinished.delete(id);
    this.#write();
  }

  #write(): void {
    if (this.#file === undefined) return;
    writeFileSync(this.#file, [...this.#unfinished.values(), ''].join('\n'));
  }
}
