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
}
