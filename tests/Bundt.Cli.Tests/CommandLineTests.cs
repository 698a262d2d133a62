using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Options;
using CsCheck;

namespace Bundt.Cli.Tests;

[TestFixture]
public sealed class CommandLineTests
{
    // What docker users type, and what it must mean: image, command, and one observation.
    private static readonly object[][] s_lines =
    [
        ["busybox ls -l --color=auto", "busybox", "ls|-l|--color=auto", ""],
        ["-e A=1 busybox", "busybox", "", "env=A=1"],
        ["-p8080:80 busybox -it", "busybox", "-it", "publish=8080:80"],
        ["-it --rm busybox", "busybox", "", "i,t,rm"],
        ["-itd busybox sh", "busybox", "sh", "i,t,d"],
        ["--entrypoint= busybox", "busybox", "", "entrypoint="],
        ["--entrypoint /bin/sh busybox -c x", "busybox", "-c|x", "entrypoint=/bin/sh"],
        ["--rm=false busybox", "busybox", "", ""],
        ["--rm --rm=false busybox", "busybox", "", ""],
        ["--rm=false --rm busybox", "busybox", "", "rm"],
        ["--sig-proxy=false busybox", "busybox", "", "sig=False"],
        ["--sig-proxy busybox", "busybox", "", "sig=True"],
        ["--hostname a --hostname b busybox", "busybox", "", "hostname=b"],
        ["-h box busybox", "busybox", "", "hostname=box"],
        ["-w/tmp busybox pwd", "busybox", "pwd", "workdir=/tmp"],
        ["-w=/tmp busybox pwd", "busybox", "pwd", "workdir=/tmp"],
        ["-v /a:/b -v /c:/d:ro busybox", "busybox", "", "volume=/a:/b;/c:/d:ro"],
        ["--cap-add NET_ADMIN --cap-add=SYS_TIME busybox", "busybox", "", "capadd=NET_ADMIN;SYS_TIME"],
        ["-e A= -e B busybox env", "busybox", "env", "env=A=;B"],
        ["-e A=-x busybox", "busybox", "", "env=A=-x"],
        ["-e -x busybox", "busybox", "", "env=-x"],
        ["-- busybox -d", "busybox", "-d", ""],
        ["busybox -- x", "busybox", "--|x", ""],
        ["--pids-limit -1 busybox", "busybox", "", "pids=-1"],
        ["--pids-limit=100 -m 64m busybox", "busybox", "", "pids=100,memory=64m"],
        ["--name=web --network none -u 1000:1000 busybox id", "busybox", "id", "name=web,network=none,user=1000:1000"],
        ["--label a=b --label-file f -l c busybox", "busybox", "", "label=a=b;c"],
        ["-dit --init=false busybox", "busybox", "", "i,t,d,init=False"],
        ["-a stdout -a stderr busybox", "busybox", "", "attach=stdout;stderr"],
        ["--ulimit nofile=1024:2048 --tmpfs /run busybox", "busybox", "", "ulimit=nofile=1024:2048,tmpfs=/run"],
    ];

    private static readonly Func<string[], object?>[] s_parsers = [line => OptionTables.RunOptions.ParseFast(line), line => OptionTables.RunOptions.ParseWithLibrary(line)];

    [TestCaseSource(nameof(s_lines))]
    public void A_docker_command_line_means_what_docker_means(string line, string image, string command, string observed)
    {
        foreach (Func<string[], object?> parser in s_parsers)
        {
            var options = (RunOptions)parser(line.Split(' '))!;
            using (Assert.EnterMultipleScope())
            {
                Assert.That(options.Image, Is.EqualTo(image));
                Assert.That(string.Join('|', options.Arguments), Is.EqualTo(command));
                Assert.That(Observe(options), Is.EqualTo(observed));
            }
        }
    }

    [Test]
    public void An_empty_argument_and_dashes_behind_the_image_are_the_commands()
    {
        foreach (Func<string[], object?> parser in s_parsers)
        {
            var options = (RunOptions)parser(["busybox", "", "--", "x"])!;
            Assert.That(options.Arguments, Is.EqualTo((string[])["", "--", "x"]));
        }
    }

    [TestCase("--nosuch busybox", "unknown flag: --nosuch")]
    [TestCase("-zx busybox", "unknown shorthand flag: 'z' in -zx")]
    [TestCase("--rm=maybe busybox", "invalid argument \"maybe\" for \"--rm\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax")]
    [TestCase("--name", "flag needs an argument: --name")]
    [TestCase("-e", "flag needs an argument: 'e' in -e")]
    [TestCase("--pids-limit many busybox", "invalid argument \"many\" for \"--pids-limit\" flag: strconv.ParseInt: parsing \"many\": invalid syntax")]
    [TestCase("--rm", "'bundt run' requires at least 1 argument")]
    public void A_wrong_command_line_is_refused_in_one_sentence(string line, string sentence)
    {
        foreach (Func<string[], object?> parser in s_parsers)
        {
            Assert.That(() => parser(line.Split(' ')), Throws.TypeOf<UsageException>().With.Message.EqualTo(sentence));
        }
    }

    [Test]
    public void Elsewhere_options_may_follow_arguments()
    {
        var options = (RemoveOptions)OptionTables.RemoveOptions.ParseWithLibrary(["web", "-f", "db", "-v"])!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(options.Containers, Is.EqualTo((string[])["web", "db"]));
            Assert.That(options.Force);
            Assert.That(options.Volumes);
        }
    }

    [Test]
    public void Help_is_help_only_before_the_image()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(OptionTables.RunOptions.ParseFast(["--help"]), Is.Null);
            Assert.That(((RunOptions)OptionTables.RunOptions.ParseFast(["busybox", "--help"])!).Arguments, Is.EqualTo((string[])["--help"]));
            Assert.That(OptionTables.PsOptions.ParseFast(["-h"]), Is.Null);
        }
    }

    [TestCase("container ls", "ps")]
    [TestCase("image ls", "images")]
    [TestCase("image inspect x", "inspect")]
    [TestCase("container run x", "run")]
    [TestCase("system info", "info")]
    [TestCase("volume rm x", "volume rm")]
    [TestCase("rm x", "rm")]
    [TestCase("volume nosuch", null)]
    [TestCase("nosuch", null)]
    public void Dockers_spellings_find_the_command(string line, string? name) =>
        Assert.That(CommandSet.Find(line.Split(' '), out _)?.Command.Name, Is.EqualTo(name));

    /// <summary>The tables are made at build time; CommandLineParser reads the attributes itself. Any command line must mean the same to both.</summary>
    [Test]
    public void Both_parsers_agree_on_every_command_line()
    {
        CommandTable[] hot = [OptionTables.RunOptions, OptionTables.ExecOptions, OptionTables.PsOptions, OptionTables.AttachOptions, OptionTables.StartOptions];
        Gen<string> value = Gen.OneOf(Gen.String[Gen.Char.AlphaNumeric, 1, 6], Words("a=b", "/x:/y", "-1", "--", "", "x y", "=", "ü"));
        Gen<(int Table, (int Option, string Value, int Style)[] Options, string[] Arguments)> lines = Gen.Select(
            Gen.Int[0, hot.Length - 1], Gen.Select(Gen.Int[0, 1000], value, Gen.Int[0, 3]).Array[0, 8], Gen.OneOf(value, Words("-it", "--rm", "--help")).Array[0, 4]);
        lines.Sample(sample =>
        {
            CommandTable table = hot[sample.Table];
            List<string> line = [];
            foreach ((int option, string text, int style) in sample.Options)
            {
                OptionSpec spec = table.Options[option % table.Options.Count];
                string given = spec.Kind == OptionKind.Number ? (text.Length * 7).ToString(System.Globalization.CultureInfo.InvariantCulture) : text;
                switch (style)
                {
                    case 0 when !spec.TakesValue:
                        line.Add("--" + spec.Long);
                        break;
                    case 1 when !spec.TakesValue:
                        line.Add($"--{spec.Long}={(text.Length % 2 == 0 ? "true" : "false")}");
                        break;
                    case 2 when spec.Short != '\0':
                        line.AddRange(spec.TakesValue ? ["-" + spec.Short, given] : ["-" + spec.Short]);
                        break;
                    default:
                        line.AddRange(spec.TakesValue ? style == 3 ? ["--" + spec.Long, given] : [$"--{spec.Long}={given}"] : ["--" + spec.Long]);
                        break;
                }
            }

            string[] arguments = [.. line, .. table.Command.Maximum == 0 ? [] : !table.Command.OptionsFirst ? ["one"] : (string[])["image", "command", .. sample.Arguments]];
            Assert.That(Describe(table.ParseFast(arguments)), Is.EqualTo(Describe(table.ParseWithLibrary(arguments))), string.Join(' ', arguments));
        });
    }

    private static Gen<string> Words(params string[] words) => Gen.Int[0, words.Length - 1].Select(i => words[i]);

    private static string Describe(object? options) => options is null ? "help" : JsonSerializer.Serialize(options, options.GetType());

    private static string Observe(RunOptions options)
    {
        List<string> seen = [];
        void Add(bool condition, string what)
        {
            if (condition)
            {
                seen.Add(what);
            }
        }

        Add(options.Interactive, "i");
        Add(options.Tty, "t");
        Add(options.Detach, "d");
        Add(options.Rm, "rm");
        Add(options.Entrypoint is not null, "entrypoint=" + options.Entrypoint);
        Add(options.SigProxy is not null, "sig=" + options.SigProxy);
        Add(options.Init is not null, "init=" + options.Init);
        Add(options.Hostname is not null, "hostname=" + options.Hostname);
        Add(options.Workdir is not null, "workdir=" + options.Workdir);
        Add(options.Volume.Any(), "volume=" + string.Join(';', options.Volume));
        Add(options.CapAdd.Any(), "capadd=" + string.Join(';', options.CapAdd));
        Add(options.Env.Any(), "env=" + string.Join(';', options.Env));
        Add(options.PidsLimit is not null, "pids=" + options.PidsLimit);
        Add(options.Memory is not null, "memory=" + options.Memory);
        Add(options.Name is not null, "name=" + options.Name);
        Add(options.Network.Any(), "network=" + string.Join(';', options.Network));
        Add(options.User is not null, "user=" + options.User);
        Add(options.Label.Any(), "label=" + string.Join(';', options.Label));
        Add(options.Attach.Any(), "attach=" + string.Join(';', options.Attach));
        Add(options.Ulimit.Any(), "ulimit=" + string.Join(';', options.Ulimit));
        Add(options.Tmpfs.Any(), "tmpfs=" + string.Join(';', options.Tmpfs));
        Add(options.Publish.Any(), "publish=" + string.Join(';', options.Publish));
        return seen.Count == 0 ? "" : string.Join(',', seen);
    }
}
