/**
 * What can stand where the cursor is: walks the words before it through the commands and asks the
 * mounted array for names. Apart from the asking it is pure, and reads the commands themselves, so
 * it knows each new one.
 */
import type { Argument, Command, Option } from 'commander';
import { type CompletionKind, completionKind } from './completion-kinds.js';

/** Names of one kind that begin with `current`; `mount` is the value of --mount on the line. */
export type NameLookup = (
  kind: CompletionKind,
  current: string,
  mount: string | undefined,
) => Promise<readonly string[]>;

/** Where the words before the cursor lead. */
interface Position {
  command: Command;
  operands: number;
  /** The option whose value comes next. */
  pendingOption: Option | undefined;
  onlyOperands: boolean;
  mount: string | undefined;
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
  const candidates = await candidatesAt(program, position, current, lookup);
  return [...new Set(candidates)].filter((candidate) => candidate.startsWith(current)).sort();
}

function walk(program: Command, words: readonly string[]): Position {
  const position: Position = {
    command: program,
    operands: 0,
    pendingOption: undefined,
    onlyOperands: false,
    mount: undefined,
    lost: false,
  };
  for (const word of words) step(program, position, word);
  return position;
}

function step(program: Command, position: Position, word: string): void {
  if (position.pendingOption) {
    if (position.pendingOption.long === '--mount') position.mount = word;
    position.pendingOption = undefined;
  } else if (!position.onlyOperands && word === '--') {
    position.onlyOperands = true;
  } else if (!position.onlyOperands && word.startsWith('-')) {
    takeOption(program, position, word);
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

function takeOption(program: Command, position: Position, word: string): void {
  const [name, value] = word.split('=', 2);
  const option = optionsAt(program, position.command).find(
    ({ long, short }) => long === name || short === name,
  );
  if (option?.long === '--mount' && value !== undefined) position.mount = value;
  if (option?.required && value === undefined) position.pendingOption = option;
}

async function candidatesAt(
  program: Command,
  position: Position,
  current: string,
  lookup: NameLookup,
): Promise<readonly string[]> {
  const { command, pendingOption, mount } = position;
  const namesFor = async (subject: Argument | Option): Promise<readonly string[]> => {
    const kind = completionKind(subject);
    return subject.argChoices ?? (kind ? lookup(kind, current, mount) : []);
  };
  if (position.lost) return [];
  if (pendingOption) return namesFor(pendingOption);
  if (current.startsWith('-') && !position.onlyOperands) {
    return [...optionsAt(program, command).map(({ long }) => long ?? ''), '--help'];
  }
  if (command.commands.length > 0) return visibleCommands(command);
  const argument = command.registeredArguments[position.operands] ?? variadic(command);
  return argument ? namesFor(argument) : [];
}

function optionsAt(program: Command, command: Command): readonly Option[] {
  const all = command === program ? program.options : [...command.options, ...program.options];
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
