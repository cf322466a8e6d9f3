/** `arrayfs completion SHELL`: prints the script that connects a shell to `arrayfs __complete`. */
import { Argument, type Command } from 'commander';
import { print } from './output.js';

// Readline breaks words at : = @ and replaces only what follows, so the words are split here by
// blanks and the common beginning is taken off the candidates.
const BASH = `# arrayfs completion for bash: eval "$(arrayfs completion bash)"
_arrayfs() {
  local line=\${COMP_LINE:0:COMP_POINT} words current before
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[-1]}
  before=\${current%"\${current##*[:=@]}"}
  mapfile -t COMPREPLY < <("\${1/#\\~/$HOME}" __complete "\${words[@]:1}" 2>/dev/null)
  [[ \${COMPREPLY[0]-} == *@ ]] && compopt -o nospace
  COMPREPLY=("\${COMPREPLY[@]#"$before"}")
}
complete -o default -F _arrayfs arrayfs`;

const ZSH = `#compdef arrayfs
# arrayfs completion for zsh: source <(arrayfs completion zsh), or save it as _arrayfs in $fpath
_arrayfs() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -z \${candidates[1]} ]]; then
    _files
  elif [[ \${candidates[1]} == *@ ]]; then
    compadd -S '' -a candidates
  else
    compadd -a candidates
  fi
}
if [[ \${funcstack[1]} == _arrayfs ]]; then _arrayfs "$@"; else compdef _arrayfs arrayfs; fi`;

const FISH = `# arrayfs completion for fish: arrayfs completion fish | source
function __arrayfs_candidates
  set -l before (commandline -opc)
  set -l candidates ($before[1] __complete $before[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $candidates) -gt 0
    printf '%s\\n' $candidates
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c arrayfs -f -a '(__arrayfs_candidates)'`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      `
Completes commands, options, and the volumes, snapshots, pairs, pools and jobs of the array.

Examples:
  eval "$(arrayfs completion bash)"        in ~/.bashrc
  source <(arrayfs completion zsh)         in ~/.zshrc, after compinit
  arrayfs completion fish | source         in ~/.config/fish/config.fish`,
    )
    .action((shell: string) => print(SCRIPTS[shell] ?? ''));
}
