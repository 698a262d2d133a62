using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Tests;

[TestFixture]
public sealed class HelpTests
{
    [Test]
    public void Every_command_has_a_page_that_names_its_options_and_fits_a_terminal()
    {
        foreach (CommandTable table in OptionTables.All)
        {
            string page = HelpPages.Command(table);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(page, Does.StartWith($"Usage:  bundt {table.Command.Name}"));
                Assert.That(page, Does.Contain(table.Command.Description));
                foreach (OptionSpec option in table.Options.Where(static o => !o.Hidden))
                {
                    Assert.That(page, Does.Contain("--" + option.Long), page);
                    Assert.That(option.Help, Is.Not.Empty, option.Long);
                }

                Assert.That(page.Split('\n').Where(static l => l.Length > 110), Is.Empty);
            }
        }
    }

    [Test]
    public void The_first_page_lists_every_command() =>
        Assert.That(OptionTables.All.Where(static t => !HelpPages.TopLevel().Contains("  " + t.Command.Name + " ", StringComparison.Ordinal)).Select(static t => t.Command.Name), Is.Empty);

    [Test]
    public void No_letter_or_name_is_given_twice_within_a_command()
    {
        foreach (CommandTable table in OptionTables.All)
        {
            using (Assert.EnterMultipleScope())
            {
                Assert.That(table.Options.Select(static o => o.Long), Is.Unique, table.Command.Name);
                Assert.That(table.Options.Where(static o => o.Short != '\0').Select(static o => o.Short), Is.Unique, table.Command.Name);
            }
        }
    }

    [TestCase("bash")]
    [TestCase("zsh")]
    [TestCase("fish")]
    public void A_completion_script_knows_every_command_and_option(string shell)
    {
        string script = CompletionScripts.For(shell);
        foreach (CommandTable table in OptionTables.All)
        {
            foreach (OptionSpec option in table.Options.Where(static o => !o.Hidden))
            {
                Assert.That(script, Does.Contain(shell == "fish" ? "-l " + option.Long : "--" + option.Long));
            }
        }
    }

    [Test]
    public void The_bash_script_is_one_that_bash_reads_and_completes_with()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, CompletionScripts.For("bash"));
        try
        {
            string Complete(string words, int index)
            {
                var start = new System.Diagnostics.ProcessStartInfo("bash", ["-c", $"source {file}; COMP_WORDS=({words}); COMP_CWORD={index}; _bundt; echo \"${{COMPREPLY[@]}}\""]) { RedirectStandardOutput = true };
                using System.Diagnostics.Process process = System.Diagnostics.Process.Start(start)!;
                return process.StandardOutput.ReadToEnd().Trim();
            }

            using (Assert.EnterMultipleScope())
            {
                Assert.That(Complete("bundt renam", 1), Is.EqualTo("rename"));
                Assert.That(Complete("bundt run --read", 2), Is.EqualTo("--read-only"));
                Assert.That(Complete("bundt volume pru", 2), Is.EqualTo("prune"));
                Assert.That(Complete("bundt daemon sta", 2), Is.EqualTo("start status"));
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>What zsh offers when TAB is typed behind a line: compadd tells instead of adding.</summary>
    private const string ZshCapture = """
        zmodload zsh/zpty
        cat >$1.rc <<RC
        PROMPT=
        unsetopt zle_bracketed_paste 2>/dev/null
        autoload -Uz compinit && compinit -D -u
        source $1
        RC
        cat >>$1.rc <<'RC'
        bindkey '^I' complete-word
        zstyle ':completion:*' insert-tab false
        shown_begin () { print -r -- '<begin>' }
        shown_end () { print -r -- '<end>'; exit }
        compprefuncs=(shown_begin)
        comppostfuncs=(shown_end)
        compadd () {
            if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
            typeset -a hits
            builtin compadd -A hits "$@"
            (( $#hits )) && print -r -- @@$^hits
        }
        print READY
        RC
        zpty shell zsh -f -i
        zpty -w shell "source $1.rc"
        while zpty -r shell line; do [[ $line == *READY* ]] && break; done
        zpty -w -n shell "$2"$'\t'
        while zpty -r shell line; do
            [[ $line == *'<end>'* ]] && break
            [[ $line == *@@* ]] && print -r -- $line
        done
        rm -f $1.rc
        """;

    private static bool Has(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, program)));

    /// <summary>The words that a shell offers behind a line, in alphabetical order.</summary>
    private static async Task<string> OffersAsync(string shell, string line)
    {
        string script = Path.GetTempFileName();
        try
        {
            File.WriteAllText(script, CompletionScripts.For(shell));
            string[] arguments = shell == "zsh" ? ["-f", "-c", ZshCapture, "zsh", script, line] : ["--no-config", "-c", $"source {script}; complete -C '{line}'"];
            var start = new System.Diagnostics.ProcessStartInfo(shell, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true, RedirectStandardError = true };
            start.WorkingDirectory = Directory.CreateTempSubdirectory("bundt-complete-").FullName;
            start.Environment["HOME"] = start.WorkingDirectory;
            start.Environment["TERM"] = "dumb";
            using System.Diagnostics.Process process = System.Diagnostics.Process.Start(start)!;
            process.StandardInput.Close();
            process.ErrorDataReceived += static (_, _) => { }; // names of containers are asked of a bundt that is not in PATH here
            process.BeginErrorReadLine();
            string output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            IEnumerable<string> words = output.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries)
                .SelectMany(l => shell == "zsh" ? l.Split(' ').Where(w => w.StartsWith("@@", StringComparison.Ordinal)).Select(w => w[2..]) : [l.Split('\t')[0]]);
            return string.Join(' ', words.Order(StringComparer.Ordinal).Distinct());
        }
        finally
        {
            File.Delete(script);
        }
    }

    [TestCase("zsh")]
    [TestCase("fish")]
    public async Task The_other_shells_complete_with_theirs(string shell)
    {
        if (!Has(shell))
        {
            Assert.Ignore($"{shell} is not installed");
        }

        using (Assert.EnterMultipleScope())
        {
            foreach ((string line, string offers) in ((string, string)[])
            [
                ("bundt ru", "run"),
                ("bundt --host unix:///x renam", "rename"),
                ("bundt run --read", "--read-only"),
                ("bundt run --rm --cidf", "--cidfile"),
                ("bundt container run --read", "--read-only"),
                ("bundt run --network ", "host none"),
                ("bundt run --pull ", "always missing never"),
                ("bundt volume pru", "prune"),
                ("bundt search run --no-t", "--no-trunc"),
                ("bundt daemon sta", "start status"),
                ("bundt completion ", "bash fish zsh"),
                ("bundt help renam", "rename"),
            ])
            {
                Assert.That(await OffersAsync(shell, line), Is.EqualTo(offers), line);
            }
        }
    }
}
