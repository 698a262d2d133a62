using Bundt.Daemon.Json;
using Bundt.Daemon.Routes;
using Bundt.Daemon.Server;
using Bundt.Linux;

namespace Bundt.Daemon.Tests.Server;

internal sealed class RequestTests
{
    private static async Task<string> PostAsync(string contentType, string body)
    {
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            CreateBody? read = await request.ReadJsonAsync(ApiJson.Wire.CreateBody);
            await request.AnswerJsonAsync(new IdAnswer(read!.Image ?? ""), ApiJson.Wire.IdAnswer, 201);
        });
        return await server.AskAsync(
            $"POST /v1.47/containers/create HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {contentType}\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }

    [Test]
    public async Task A_body_is_read_whatever_the_case_of_its_names()
    {
        string answer = await PostAsync("application/json; charset=utf-8", """{"image":"a<b>é","LABELS":null}""".Replace("é", "e", StringComparison.Ordinal));
        Assert.That(answer, Does.StartWith("HTTP/1.1 201").And.EndWith("{\"Id\":\"a<be\"}\n".Replace("be", "b>e", StringComparison.Ordinal)));
    }

    [TestCase("text/plain", "{}", "unsupported Content-Type header (text/plain): must be 'application/json'")]
    [TestCase("application/json", "", "invalid JSON: got EOF while reading request body")]
    [TestCase("application/json", "{}{}", "unexpected content after JSON")]
    [TestCase("application/json", "{\"Env\":3}", "invalid JSON: Env is not of the right kind (line 1, byte 8)")]
    [TestCase("application/json", "{", "invalid JSON: not readable at line 1, byte 1")]
    public async Task A_malformed_body_is_refused_with_mobys_words(string contentType, string body, string message)
    {
        string answer = await PostAsync(contentType, body);
        Assert.That(answer, Does.StartWith("HTTP/1.1 400").And.Contains($"{{\"message\":\"{message}\""));
    }

    [Test]
    public async Task Every_answer_says_who_speaks()
    {
        await using TestServer server = await TestServer.StartAsync(_ => throw new BundtException(FailureKind.NotFound, Phase.Resolve, "No such container: x"));
        string answer = await server.AskAsync("GET /containers/x/json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.That(answer, Does.StartWith("HTTP/1.1 404"));
        Assert.That(answer, Does.Contain("Api-Version: 1.47\r\n").And.Contains("Ostype: linux\r\n").And.Contains("Docker-Experimental: false\r\n"));
        Assert.That(answer, Does.Contain("Server: Bundt/"));
        Assert.That(answer, Does.EndWith(
            """{"message":"No such container: x","bundt":{"phase":"Resolve","operation":"No such container: x","kind":"NotFound"}}""" + "\n"));
    }

    [Test]
    public async Task Ping_answers_head_and_get()
    {
        await using TestServer server = await TestServer.StartAsync(new ApiRoutes(null!).HandleAsync);
        string head = await server.AskAsync("HEAD /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.That(head, Does.StartWith("HTTP/1.1 200 OK\r\n").And.EndWith("\r\n\r\n"));
        Assert.That(head, Does.Contain("Content-Length: 0\r\n").And.Contains("Cache-Control: no-cache, no-store, must-revalidate\r\n").And.Contains("Swarm: inactive"));
        Assert.That(await server.AskAsync("GET /v1.24/_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), Does.EndWith("\r\n\r\nOK"));
    }

    [Test]
    public async Task A_failure_after_the_first_byte_cuts_the_connection()
    {
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            await request.BeginAsync("application/x-tar");
            throw new BundtException(FailureKind.Internal, Phase.Store, "disk gone");
        });
        Assert.That(await server.AskAsync("GET /images/get HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), Does.Not.EndWith("0\r\n\r\n"));
    }

    [Test]
    public async Task A_pull_that_fails_before_its_first_step_has_a_real_status()
    {
        await using TestServer server = await TestServer.StartAsync(request => new ProgressStream().RunAsync<int>(
            request,
            progress =>
            {
                progress.Report(new Images.PullProgress("Pulling from library/x", "latest"));
                throw new BundtException(FailureKind.NotFound, Phase.Pull, "manifest for x:latest not found: manifest unknown");
            },
            _ => true,
            _ => []));
        Assert.That(await server.AskAsync("POST /images/create HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), Does.StartWith("HTTP/1.1 404"));
    }

    [Test]
    public async Task A_pull_that_fails_later_says_so_in_the_stream()
    {
        await using TestServer server = await TestServer.StartAsync(request => new ProgressStream().RunAsync<int>(
            request,
            async progress =>
            {
                progress.Report(new Images.PullProgress("Pulling from library/x", "latest"));
                progress.Report(new Images.PullProgress("Pulling fs layer", "aaaaaaaaaaaa"));
                await Task.Yield();
                throw new BundtException(FailureKind.Internal, Phase.Pull, "wrong digest");
            },
            _ => true,
            _ => []));
        string answer = await server.AskAsync("POST /images/create HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.That(answer, Does.StartWith("HTTP/1.1 200").And.Contains("""{"status":"Pulling from library/x","progressDetail":{},"id":"latest"}"""));
        Assert.That(answer, Does.Contain("""{"errorDetail":{"message":"wrong digest"},"error":"wrong digest"}"""));
    }
}
