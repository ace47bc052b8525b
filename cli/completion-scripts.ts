/* What each shell evaluates so that the tab key asks podwire itself: `podwire __complete -- WORDS…`, the last word being the one that
 * is typed; a candidate a line. Where there is none, the shell offers files. */

const bash = `# podwire completion for bash: source <(podwire completion bash)
__podwire_complete() {
  local -a candidates
  mapfile -t candidates < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=("\${candidates[@]}")
  if [ "\${#COMPREPLY[@]}" -eq 1 ] && [ "\${COMPREPLY[0]: -1}" = / ]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F __podwire_complete podwire
`;

const zsh = `#compdef podwire
# podwire completion for zsh: source <(podwire completion zsh)
_podwire() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${candidates[1]}" ]]; then compadd -- "\${candidates[@]}"; else _files; fi
}
compdef _podwire podwire
`;

const fish = `# podwire completion for fish: podwire completion fish | source
function __podwire_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c podwire -a '(__podwire_complete)'
`;

export const completionScripts: Readonly<Record<string, string>> = { bash, zsh, fish };
