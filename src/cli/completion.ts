import { word } from '../daemon/setting.js'
import { EXIT_OK, parseOptions, type Command } from './command.js'
import { argument } from './tokens.js'

const shells = ['bash', 'zsh', 'fish'] as const

/** `datdot completion`: has a shell complete the names of commands, and the options that their help names. */
export function completionOf(commands: Readonly<Record<string, { summary: string }>>): Command {
  const names = Object.keys(commands).join(' ')
  const options = `datdot "$cmd" --help 2>/dev/null | grep -oE -- '--[a-z-]+' | sort -u`
  const bash = `_datdot() {
  local cur=\${COMP_WORDS[COMP_CWORD]} cmd=\${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${names}" -- "$cur"))
  elif [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$(${options})" -- "$cur"))
  else COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _datdot datdot
`
  const scripts = {
    bash,
    zsh: `autoload -U +X bashcompinit && bashcompinit\n${bash}`,
    fish: Object.entries(commands)
      .map(([name, { summary }]) => {
        const text = summary.replaceAll("'", "\\\\'")
        return `complete -c datdot -n __fish_use_subcommand -f -a ${name} -d '${text}'\n`
      })
      .join('')
  }
  return {
    help: `Usage: datdot completion ${shells.join('|')}

Prints what has a shell complete commands and options: source it, or put it where the shell looks for completions, as in
  datdot completion bash > ~/.local/share/bash-completion/completions/datdot

Exit codes: 0 printed, 2 bad input.
`,
    run(args, io) {
      const { positionals } = parseOptions('completion', { args, allowPositionals: true, options: {} })
      io.stdout.write(scripts[argument('completion', word(shells), positionals[0])])
      return Promise.resolve(EXIT_OK)
    }
  }
}
