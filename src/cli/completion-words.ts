/**
 * What can stand where the cursor is: walks the words before it through the commands and asks the
 * mounted array for names. Apart from the asking it is pure, and reads the commands themselves, so
 * it knows each new one.
 */
import type { Argument, Command, Option } from 'commander';
import { type CompletionKind, completionKind } from './completion-kinds.js';

/** What stands on the line: `--mount` -> its value. */
export type GivenValues = ReadonlyMap<string, string>;

/** Names of one kind that begin with `current`; `given` tells which array or server is meant. */
export type NameLookup = (
  kind: CompletionKind,
  current: string,
  given: GivenValues,
) => Promise<readonly string[]>;

/** Where the words before the cursor lead. */
interface Position {
  command: Command;
  operands: number;
  /** The option whose value comes next. */
  pendingOption: Option | undefined;
  onlyOperands: boolean;
  given: Map<string, string>;
  /** After a word that is no command nothing can be said. */
  lost: boolean;
}

/** The candidates for the last of `words` (what follows the program's name, up to the cursor). */
export async function completions(
  program: Command,
  words: readonly string[],
  lookup: NameLookup,
): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const position = walk(program, words.slice(0, -1));
  const candidates = await candidatesAt(position, current, lookup);
  return [...new Set(candidates)].filter((candidate) => candidate.startsWith(current)).sort();
}

function walk(program: Command, words: readonly string[]): Position {
  const position: Position = {
    command: program,
    operands: 0,
    pendingOption: undefined,
    onlyOperands: false,
    given: new Map(),
    lost: false,
  };
  for (const word of words) step(position, word);
  return position;
}

function step(position: Position, word: string): void {
  if (position.pendingOption) {
    position.given.set(position.pendingOption.long ?? '', word);
    position.pendingOption = undefined;
  } else if (!position.onlyOperands && word === '--') {
    position.onlyOperands = true;
  } else if (!position.onlyOperands && word.startsWith('-')) {
    takeOption(position, word);
  } else {
    takeOperand(position, word);
  }
}

function takeOperand(position: Position, word: string): void {
  const { commands } = position.command;
  const next = commands.find((command) => command.name() === word);
  if (next) position.command = next;
  else if (commands.length === 0) position.operands += 1;
  else if (word !== 'help') position.lost = true;
}

function takeOption(position: Position, word: string): void {
  const [name, value] = word.split('=', 2);
  const option = optionsAt(position.command).find(
    ({ long, short }) => long === name || short === name,
  );
  if (option?.long && value !== undefined) position.given.set(option.long, value);
  if (option?.required && value === undefined) position.pendingOption = option;
}

async function candidatesAt(
  position: Position,
  current: string,
  lookup: NameLookup,
): Promise<readonly string[]> {
  const { command, pendingOption, given } = position;
  const namesFor = async (subject: Argument | Option): Promise<readonly string[]> => {
    const kind = completionKind(subject);
    return subject.argChoices ?? (kind ? lookup(kind, current, given) : []);
  };
  if (position.lost) return [];
  if (pendingOption) return namesFor(pendingOption);
  if (current.startsWith('-') && !position.onlyOperands) {
    return [...optionsAt(command).map(({ long }) => long ?? ''), '--help'];
  }
  if (command.commands.length > 0) return visibleCommands(command);
  const argument = command.registeredArguments[position.operands] ?? variadic(command);
  return argument ? namesFor(argument) : [];
}

/** Those of the command and of all above it. */
function optionsAt(command: Command): readonly Option[] {
  const all = command.parent ? [...command.options, ...optionsAt(command.parent)] : command.options;
  return all.filter((option) => !option.hidden);
}

function visibleCommands(command: Command): string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((visible) => visible.name());
}

function variadic(command: Command): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return last?.variadic ? last : undefined;
}
