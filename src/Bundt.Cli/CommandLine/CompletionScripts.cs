using System.Text;

namespace Bundt.Cli.CommandLine;

/// <summary>Completion scripts for shells, made from the commands' tables. Names of containers, images and volumes are asked of the daemon.</summary>
internal static class CompletionScripts
{
    /// <summary>The script for a shell.</summary>
    /// <exception cref="UsageException">There is none for it.</exception>
    public static string For(string shell) => shell switch
    {
        "bash" => Bash(),
        "zsh" => Zsh(),
        "fish" => Fish(),
        _ => throw new UsageException($"no completion for shell \"{shell}\": it must be bash, zsh or fish"),
    };

    private static IEnumerable<(string Name, CommandTable Table)> AllNames() =>
        OptionTables.All.SelectMany(static t => CommandSet.Aliases(t).Append(t.Command.Name).Select(n => (n, t)));

    private static string Flags(CommandTable table) => string.Join(' ', table.Options.Where(static o => !o.Hidden).SelectMany(Spellings).Append("--help"));

    private static string ValueFlags(CommandTable table, char between) => string.Join(between, table.Options.Where(static o => !o.Hidden && o.TakesValue).SelectMany(Spellings));

    private static IEnumerable<string> Spellings(OptionSpec option) => option.Short == '\0' ? ["--" + option.Long] : ["-" + option.Short, "--" + option.Long];

    private static string TopWords() => string.Join(' ', OptionTables.All.Select(static t => t.Command.Name.Split(' ')[0]).Concat(CommandSet.Groups).Append("help").Distinct().Order(StringComparer.Ordinal));

    private static string GroupWords(string group) =>
        string.Join(' ', AllNames().Where(n => n.Name.StartsWith(group + " ", StringComparison.Ordinal)).Select(n => n.Name[(group.Length + 1)..]).Distinct().Order(StringComparer.Ordinal));

    private static string Bash()
    {
        var text = new StringBuilder("""
            # bash completion for bundt; load it with: source <(bundt completion bash)
            __bundt_names() {
                case "$1" in
                    container) bundt ps -a --format '{{.Names}}' 2>/dev/null ;;
                    running) bundt ps --format '{{.Names}}' 2>/dev/null ;;
                    image) bundt images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>' ;;
                    volume) bundt volume ls -q 2>/dev/null ;;
                    object) __bundt_names container; __bundt_names image; __bundt_names volume ;;
                    daemon) echo start stop status ;;
                    shell) echo bash zsh fish ;;
                esac
            }

            _bundt() {
                local cur=${COMP_WORDS[COMP_CWORD]} command='' flags='' values='' names='' first='' i
                COMPREPLY=()
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case "${COMP_WORDS[i]}" in
                        -H | --host | --root | --run) ((i++)) ;;
                        -*) ;;
                        *) command=${COMP_WORDS[i]}; first=$((i + 1)); break ;;
                    esac
                done
                case "$command" in

            """);
        _ = text.Append("        '') COMPREPLY=($(compgen -W '").Append(TopWords()).Append(" --host --root --run --version --help' -- \"$cur\")); return ;;\n");
        foreach (string group in CommandSet.Groups)
        {
            _ = text.Append("        ").Append(group).Append(")\n            if ((COMP_CWORD == first)); then COMPREPLY=($(compgen -W '").Append(GroupWords(group))
                .Append("' -- \"$cur\")); return; fi\n            command=\"$command ${COMP_WORDS[first]}\"; ((first++)) ;;\n");
        }

        _ = text.Append("    esac\n    case \"$command\" in\n");
        foreach ((string name, CommandTable table) in AllNames())
        {
            _ = text.Append("        '").Append(name).Append("') flags='").Append(Flags(table)).Append("' values='|").Append(ValueFlags(table, '|')).Append("|' names=").Append(table.Command.Completes.Length > 0 ? table.Command.Completes : "''").Append(" ;;\n");
        }

        _ = text.Append("        help) COMPREPLY=($(compgen -W '").Append(TopWords()).Append("' -- \"$cur\")); return ;;\n    esac\n");
        _ = text.Append("""
                if [[ $values == *"|${COMP_WORDS[COMP_CWORD - 1]}|"* ]]; then
                    case "${COMP_WORDS[COMP_CWORD - 1]}" in
                        --network | --net) COMPREPLY=($(compgen -W 'none host' -- "$cur")) ;;
                        --pull) COMPREPLY=($(compgen -W 'always missing never' -- "$cur")) ;;
                        *) COMPREPLY=($(compgen -f -- "$cur")) ;;
                    esac
                elif [[ $cur == -* ]]; then
                    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
                elif [[ -n $names ]]; then
                    COMPREPLY=($(compgen -W "$(__bundt_names "$names")" -- "$cur"))
                    type __ltrim_colon_completions >/dev/null 2>&1 && __ltrim_colon_completions "$cur"
                fi
            }

            complete -o default -F _bundt bundt

            """);
        return text.ToString();
    }

    private static string Zsh()
    {
        var text = new StringBuilder("""
            #compdef bundt
            # zsh completion for bundt; load it with: source <(bundt completion zsh)
            __bundt_names() {
                case "$1" in
                    container) bundt ps -a --format '{{.Names}}' 2>/dev/null ;;
                    running) bundt ps --format '{{.Names}}' 2>/dev/null ;;
                    image) bundt images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>' ;;
                    volume) bundt volume ls -q 2>/dev/null ;;
                    object) __bundt_names container; __bundt_names image; __bundt_names volume ;;
                    daemon) print -l start stop status ;;
                    shell) print -l bash zsh fish ;;
                esac
            }

            _bundt() {
                local command='' names='' i first=0 before=${words[CURRENT - 1]}
                local -a flags values found
                for ((i = 2; i < CURRENT; i++)); do
                    case "${words[i]}" in
                        -H|--host|--root|--run) ((i++)) ;;
                        -*) ;;
                        *) command=${words[i]}; first=$((i + 1)); break ;;
                    esac
                done
                case "$command" in

            """);
        _ = text.Append("        '') compadd -- ").Append(TopWords()).Append("; return ;;\n");
        foreach (string group in CommandSet.Groups)
        {
            _ = text.Append("        ").Append(group).Append(") if ((CURRENT == first)); then compadd -- ").Append(GroupWords(group)).Append("; return; fi; command=\"$command ${words[first]}\" ;;\n");
        }

        _ = text.Append("    esac\n    case \"$command\" in\n");
        foreach ((string name, CommandTable table) in AllNames())
        {
            _ = text.Append("        '").Append(name).Append("') names='").Append(table.Command.Completes).Append("'; values=(").Append(ValueFlags(table, ' ')).Append("); flags=(");
            foreach (OptionSpec option in table.Options.Where(static o => !o.Hidden))
            {
                foreach (string spelling in Spellings(option))
                {
                    _ = text.Append(" '").Append(spelling).Append(':').Append(option.Help.Replace("'", "'\\''", StringComparison.Ordinal)).Append('\'');
                }
            }

            _ = text.Append(") ;;\n");
        }

        _ = text.Append("        help) compadd -- ").Append(TopWords()).Append("; return ;;\n    esac\n");
        _ = text.Append("""
                if ((${values[(Ie)$before]})); then
                    case "$before" in
                        --network|--net) compadd -- none host ;;
                        --pull) compadd -- always missing never ;;
                        *) _files ;;
                    esac
                elif [[ ${words[CURRENT]} == -* ]]; then
                    _describe 'option' flags
                elif [[ -n $names ]]; then
                    found=(${(f)"$(__bundt_names $names)"})
                    compadd -a found || _files
                else
                    _files
                fi
            }

            if [[ $funcstack[1] == _bundt ]]; then _bundt "$@"; else compdef _bundt bundt; fi

            """);
        return text.ToString();
    }

    private static string Fish()
    {
        var text = new StringBuilder("""
            # fish completion for bundt; load it with: bundt completion fish | source
            function __bundt_names
                switch $argv[1]
                    case container
                        bundt ps -a --format '{{.Names}}' 2>/dev/null
                    case running
                        bundt ps --format '{{.Names}}' 2>/dev/null
                    case image
                        bundt images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | string match -v '*<none>*'
                    case volume
                        bundt volume ls -q 2>/dev/null
                    case object
                        __bundt_names container; __bundt_names image; __bundt_names volume
                    case daemon
                        printf '%s\n' start stop status
                    case shell
                        printf '%s\n' bash zsh fish
                end
            end
            # Whether the command that is typed is one of these: "" before there is one, a group's name before its command.
            function __bundt_is
                set -l words (commandline -opc)
                set -e words[1]
                while set -q words[1]; and string match -q -- '-*' $words[1]
                    contains -- $words[1] -H --host --root --run; and set -e words[1]
                    set -e words[1]
                end
                set -l command "$words[1]"
                contains -- "$command" %GROUPS%; and set -q words[2]; and set command "$words[1] $words[2]"
                contains -- "$command" $argv
            end
            complete -c bundt -f
            complete -c bundt -n '__bundt_is ""' -s H -l host -rF -d 'Daemon socket to connect to'
            complete -c bundt -n '__bundt_is ""' -l root -rF -d 'Directory of the daemon that is started'
            complete -c bundt -n '__bundt_is ""' -l run -rF -d 'Runtime directory of the daemon that is started'

            """.Replace("%GROUPS%", string.Join(' ', CommandSet.Groups), StringComparison.Ordinal));
        foreach (CommandTable table in OptionTables.All.Where(static t => !t.Command.Name.Contains(' ', StringComparison.Ordinal)))
        {
            _ = text.Append("complete -c bundt -n '__bundt_is \"\"' -a ").Append(table.Command.Name).Append(" -d ").Append(Quote(table.Command.Description)).Append('\n');
        }

        foreach (string group in CommandSet.Groups)
        {
            _ = text.Append("complete -c bundt -n '__bundt_is \"\"' -a ").Append(group).Append('\n')
                .Append("complete -c bundt -n '__bundt_is ").Append(group).Append("' -a '").Append(GroupWords(group)).Append("'\n");
        }

        _ = text.Append("complete -c bundt -n '__bundt_is \"\"' -a help -d 'Help about a command'\n")
            .Append("complete -c bundt -n '__bundt_is help' -a '").Append(TopWords()).Append("'\n");
        foreach (CommandTable table in OptionTables.All)
        {
            string condition = "'__bundt_is " + string.Join(' ', AllNames().Where(n => n.Table == table).Select(static n => $"\"{n.Name}\"")) + "'";
            foreach (OptionSpec option in table.Options.Where(static o => !o.Hidden))
            {
                string value = option.Long switch
                {
                    "network" or "net" => " -x -a 'none host'",
                    "pull" => " -x -a 'always missing never'",
                    _ => option.TakesValue ? " -rF" : "",
                };
                _ = text.Append("complete -c bundt -n ").Append(condition).Append(option.Short == '\0' ? "" : " -s " + option.Short).Append(" -l ").Append(option.Long)
                    .Append(value).Append(" -d ").Append(Quote(option.Help)).Append('\n');
            }

            if (table.Command.Completes.Length > 0)
            {
                _ = text.Append("complete -c bundt -n ").Append(condition).Append(" -a '(__bundt_names ").Append(table.Command.Completes).Append(")'\n");
            }
        }

        return text.ToString();
    }

    private static string Quote(string text) => "'" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal) + "'";
}
