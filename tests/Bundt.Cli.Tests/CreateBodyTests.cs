using System.Text;
using System.Text.Json.Nodes;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Options;
using Bundt.Cli.Requests;

namespace Bundt.Cli.Tests;

[TestFixture]
public sealed class CreateBodyTests
{
    private static readonly string[][] s_golden =
    [
        ["busybox true", """{"AttachStdout":true,"AttachStderr":true,"Cmd":["true"],"Image":"busybox","HostConfig":{}}"""],
        ["-it --rm --network none busybox", """{"AttachStdin":true,"AttachStdout":true,"AttachStderr":true,"Tty":true,"OpenStdin":true,"StdinOnce":true,"Image":"busybox","HostConfig":{"NetworkMode":"none","AutoRemove":true}}"""],
        ["-d -e A=1 -w /srv -u www -h box --stop-signal INT --stop-timeout 3 x", """{"Hostname":"box","User":"www","Env":["A=1"],"Image":"x","WorkingDir":"/srv","StopSignal":"INT","StopTimeout":3,"HostConfig":{}}"""],
        ["-d -v /a:/b:ro -v data:/d -v /anon --tmpfs /t:size=1m --mount type=bind,src=/s,dst=/t2,ro --mount type=tmpfs,dst=/m,tmpfs-size=2m,tmpfs-mode=700 --mount src=v,dst=/v,volume-nocopy x",
            """{"Image":"x","Volumes":{"/anon":{}},"HostConfig":{"Binds":["/a:/b:ro","data:/d"],"Tmpfs":{"/t":"size=1m"},"Mounts":[{"Type":"bind","Source":"/s","Target":"/t2","ReadOnly":true},{"Type":"tmpfs","Target":"/m","TmpfsOptions":{"SizeBytes":2097152,"Mode":448}},{"Type":"volume","Source":"v","Target":"/v","VolumeOptions":{"NoCopy":true}}]}}"""],
        ["-d -m 64m --memory-swap -1 --cpus 1.5 --cpu-shares 512 --cpuset-cpus 0-1 --pids-limit 50 --ulimit nofile=10:20 --device /dev/null:/dev/x:r --shm-size 1g --oom-score-adj 100 x",
            """{"Image":"x","HostConfig":{"OomScoreAdj":100,"ShmSize":1073741824,"CpuShares":512,"Memory":67108864,"NanoCpus":1500000000,"CpusetCpus":"0-1","MemorySwap":-1,"PidsLimit":50,"Devices":[{"PathOnHost":"/dev/null","PathInContainer":"/dev/x","CgroupPermissions":"r"}],"Ulimits":[{"Name":"nofile","Hard":20,"Soft":10}]}}"""],
        ["-d --privileged --cap-add ALL --cap-drop MKNOD --security-opt no-new-privileges --security-opt systempaths=unconfined --read-only --init --userns auto --group-add 5 --sysctl a.b=1 --ipc host --pid host --uts host --cgroupns private x",
            """{"Image":"x","HostConfig":{"CapAdd":["ALL"],"CapDrop":["MKNOD"],"CgroupnsMode":"private","GroupAdd":["5"],"IpcMode":"host","PidMode":"host","Privileged":true,"ReadonlyRootfs":true,"SecurityOpt":["no-new-privileges"],"MaskedPaths":[],"ReadonlyPaths":[],"UTSMode":"host","UsernsMode":"auto","Sysctls":{"a.b":"1"},"Init":true}}"""],
        ["-d -p 8080:80 -p 127.0.0.1::53/udp --expose 9-10 --restart on-failure:3 --log-driver local --log-opt max-size=1m --add-host a:1.2.3.4 --dns 1.1.1.1 --annotation k=v -l x=y --entrypoint= x",
            """{"Image":"x","Entrypoint":[""],"Labels":{"x":"y"},"ExposedPorts":{"9/tcp":{},"10/tcp":{},"80/tcp":{},"53/udp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}],"53/udp":[{"HostIp":"127.0.0.1","HostPort":""}]},"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3},"Annotations":{"k":"v"},"Dns":["1.1.1.1"],"ExtraHosts":["a:1.2.3.4"],"LogConfig":{"Type":"local","Config":{"max-size":"1m"}}}}"""],
        ["-a stdout busybox", """{"AttachStdout":true,"Image":"busybox","HostConfig":{}}"""],
        ["-d --health-cmd true --health-interval 2s --health-retries 3 x", """{"Image":"x","Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":2000000000,"Retries":3},"HostConfig":{}}"""],
    ];

    [TestCaseSource(nameof(s_golden))]
    public void The_body_of_create_says_what_the_options_say(string line, string json) =>
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(Write(line.Split(' '))), JsonNode.Parse(json)), $"got {Write(line.Split(' '))}");

    [TestCase("-m lots x", "invalid argument \"lots\" for \"-m, --memory\" flag: invalid size: 'lots'")]
    [TestCase("--cpus many x", "invalid argument \"many\" for \"--cpus\" flag: failed to parse many as a rational number")]
    [TestCase("--ulimit nofile x", "invalid argument \"nofile\" for \"--ulimit\" flag: invalid ulimit argument: nofile")]
    [TestCase("--ulimit nosuch=1 x", "invalid argument \"nosuch=1\" for \"--ulimit\" flag: invalid ulimit type: nosuch")]
    [TestCase("--ulimit nofile=3:2 x", "invalid argument \"nofile=3:2\" for \"--ulimit\" flag: ulimit soft limit must be less than or equal to hard limit: 3 > 2")]
    [TestCase("--mount type=bind,src=/a x", "invalid argument \"type=bind,src=/a\" for \"--mount\" flag: target is required")]
    [TestCase("--mount type=bind,src=/a,dst=/b,tmpfs-size=1 x", "invalid argument \"type=bind,src=/a,dst=/b,tmpfs-size=1\" for \"--mount\" flag: cannot mix 'tmpfs-*' options with mount type 'bind'")]
    [TestCase("--mount nosuch=1 x", "invalid argument \"nosuch=1\" for \"--mount\" flag: unexpected key 'nosuch' in 'nosuch=1'")]
    [TestCase("--device /dev/null:/x:q x", "invalid device specification: /dev/null:/x:q: bad mode specified: q")]
    [TestCase("--rm --restart always x", "conflicting options: cannot specify both --restart and --rm")]
    [TestCase("--restart sometimes x", "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'")]
    [TestCase("--security-opt seccomp=/nosuch x", "opening seccomp profile (/nosuch) failed: no such file or directory")]
    [TestCase("--env-file /nosuch x", "open /nosuch: no such file or directory")]
    [TestCase("-p 80:x x", "invalid containerPort: x in 80:x")]
    [TestCase("--add-host a x", "invalid argument \"a\" for \"--add-host\" flag: bad format for add-host: \"a\"")]
    [TestCase("-d -a stdin x", "conflicting options: cannot specify both --attach and --detach")]
    [TestCase("--pull sometimes x", "invalid pull option: 'sometimes': must be one of \"always\", \"missing\" or \"never\"")]
    public void A_value_that_makes_no_sense_is_refused_in_dockers_words(string line, string sentence) =>
        Assert.That(() => Write(line.Split(' ')), Throws.TypeOf<UsageException>().With.Message.EqualTo(sentence));

    [Test]
    public void A_seccomp_profile_is_read_by_the_client()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, "{ \"defaultAction\" :\n \"SCMP_ACT_ALLOW\" }");
        try
        {
            Assert.That(JsonNode.Parse(Write(["-d", "--security-opt", "seccomp=" + file, "x"]))!["HostConfig"]!["SecurityOpt"]![0]!.GetValue<string>(),
                Is.EqualTo("seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public void Environment_files_come_first_and_bare_names_take_this_clients_values()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, "# comment\nA=1\n\n  B=two words\nBUNDT_TEST_UNSET\nBUNDT_TEST_SET\n");
        Environment.SetEnvironmentVariable("BUNDT_TEST_SET", "here");
        try
        {
            JsonArray env = JsonNode.Parse(Write(["-d", "-e", "C=3", "-e", "BUNDT_TEST_SET", "-e", "BUNDT_TEST_UNSET", "--env-file", file, "x"]))!["Env"]!.AsArray();
            Assert.That(env.Select(e => e!.GetValue<string>()), Is.EqualTo((string[])["A=1", "B=two words", "BUNDT_TEST_SET=here", "C=3", "BUNDT_TEST_SET=here", "BUNDT_TEST_UNSET"]));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Write(string[] line)
    {
        var options = (RunOptions)OptionTables.RunOptions.ParseFast(line)!;
        return Encoding.UTF8.GetString(CreateBody.Write(options, AttachedStreams.Choose(options.Attach, options.Interactive, options.Detach)).Span);
    }
}
