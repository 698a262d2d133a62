using Bundt.Daemon.Routes;
using Bundt.Daemon.Server;
using Bundt.Linux;

namespace Bundt.Daemon.Tests.Routes;

internal sealed class RoutingTests
{
    private static readonly ApiRoutes s_routes = new(null!);

    [TestCase("HEAD", "/_ping", "SystemRoutes.PingAsync")]
    [TestCase("GET", "/v1.47/version", "SystemRoutes.VersionAsync")]
    [TestCase("GET", "/v1.24/info", "SystemRoutes.InfoAsync")]
    [TestCase("GET", "/events", "SystemRoutes.EventsAsync")]
    [TestCase("POST", "/v1.47/auth", "SystemRoutes.AuthAsync")]
    [TestCase("GET", "/v1.47/system/df", "SystemRoutes.DiskUsageAsync")]
    [TestCase("GET", "/v1.47/plugins", "SystemRoutes.PluginsAsync")]
    [TestCase("GET", "/v1.47/plugins/x/json", "SystemRoutes.PluginAsync")]
    [TestCase("GET", "/v1.47/containers/json", "ContainerRoutes.ListAsync")]
    [TestCase("POST", "/v1.47/containers/create", "ContainerRoutes.CreateAsync")]
    [TestCase("POST", "/v1.47/containers/prune", "ContainerRoutes.PruneAsync")]
    [TestCase("GET", "/v1.47/containers/abc/json", "ContainerRoutes.InspectAsync")]
    [TestCase("POST", "/v1.47/containers/abc/start", "ContainerRoutes.StartAsync")]
    [TestCase("POST", "/v1.47/containers/abc/attach", "ContainerStreamRoutes.AttachAsync")]
    [TestCase("POST", "/v1.47/containers/abc/wait", "ContainerStreamRoutes.WaitAsync")]
    [TestCase("GET", "/v1.47/containers/abc/logs", "ContainerStreamRoutes.LogsAsync")]
    [TestCase("GET", "/v1.47/containers/abc/top", "ContainerRoutes.TopAsync")]
    [TestCase("DELETE", "/v1.47/containers/abc", "ContainerRoutes.DeleteAsync")]
    [TestCase("POST", "/v1.47/containers/abc/exec", "ExecRoutes.CreateAsync")]
    [TestCase("POST", "/v1.47/exec/abc/start", "ExecRoutes.StartAsync")]
    [TestCase("GET", "/v1.47/exec/abc/json", "ExecRoutes.InspectAsync")]
    [TestCase("GET", "/v1.47/images/json", "ImageRoutes.ListAsync")]
    [TestCase("GET", "/v1.47/images/127.0.0.1:5000/shop/web:1/json", "ImageRoutes.InspectAsync")]
    [TestCase("GET", "/v1.47/images/shop%2Fweb/history", "ImageRoutes.HistoryAsync")]
    [TestCase("POST", "/v1.47/images/shop/web/tag", "ImageRoutes.TagAsync")]
    [TestCase("DELETE", "/v1.47/images/127.0.0.1:5000/shop/web:1", "ImageRoutes.DeleteAsync")]
    [TestCase("DELETE", "/v1.47/images/json", "ImageRoutes.DeleteAsync")]
    [TestCase("POST", "/v1.47/images/create", "ImageTransferRoutes.CreateAsync")]
    [TestCase("POST", "/v1.47/images/load", "ImageTransferRoutes.LoadAsync")]
    [TestCase("GET", "/v1.47/images/get", "ImageTransferRoutes.SaveManyAsync")]
    [TestCase("GET", "/v1.47/images/shop/web/get", "ImageTransferRoutes.SaveOneAsync")]
    [TestCase("GET", "/v1.47/volumes", "VolumeRoutes.ListAsync")]
    [TestCase("POST", "/v1.47/volumes/create", "VolumeRoutes.CreateAsync")]
    [TestCase("DELETE", "/v1.47/volumes/v", "VolumeRoutes.DeleteAsync")]
    [TestCase("GET", "/v1.47/networks", "NetworkRoutes.ListAsync")]
    [TestCase("GET", "/v1.47/networks/none", "NetworkRoutes.InspectAsync")]
    [TestCase("POST", "/bundt/v1/run", "BundtRoutes.RunAsync")]
    [TestCase("POST", "/bundt/v1/containers/abc/exec", "BundtRoutes.ExecAsync")]
    [TestCase("POST", "/bundt/v1/containers/abc/attach", "BundtRoutes.AttachAsync")]
    [TestCase("POST", "/bundt/v1/containers/abc/resume", "BundtRoutes.ResumeAsync")]
    [TestCase("GET", "/bundt/v1/containers/abc/logs", "BundtRoutes.LogsAsync")]
    [TestCase("POST", "/bundt/v1/exec/abc/resume", "BundtRoutes.ResumeExecAsync")]
    public void A_request_finds_its_handler(string method, string path, string handler)
    {
        Func<ApiRequest, Task>? found = s_routes.Find(method, ApiPath.Parse(path));
        Assert.That(found is null ? null : $"{found.Method.DeclaringType!.Name}.{found.Method.Name}", Is.EqualTo(handler));
    }

    [TestCase("GET", "/")]
    [TestCase("GET", "/nothing")]
    [TestCase("PATCH", "/v1.47/containers/json")]
    [TestCase("GET", "/v1.47/containers/abc/nothing")]
    [TestCase("POST", "/v1.47/bundt/v1/run")]
    [TestCase("POST", "/v1.47/containers/abc/start/more")]
    public void What_is_no_route_finds_none(string method, string path) => Assert.That(s_routes.Find(method, ApiPath.Parse(path)), Is.Null);

    [TestCase("POST", "/v1.47/build")]
    [TestCase("POST", "/v1.47/commit")]
    [TestCase("GET", "/v1.47/containers/abc/stats")]
    [TestCase("PUT", "/v1.47/containers/abc/archive")]
    public void What_is_not_offered_says_so(string method, string path)
    {
        var failure = Assert.Throws<BundtException>(() => s_routes.Find(method, ApiPath.Parse(path))!(null!))!;
        Assert.That(ErrorAnswer.Describe(failure).Status, Is.EqualTo(501));
    }

    [Test]
    public void A_names_slashes_belong_to_it()
    {
        ApiPath path = ApiPath.Parse("/v1.41/images/127.0.0.1:5000/shop%2Fweb@sha256:00/json");
        Assert.That(path.Join(1, 1), Is.EqualTo("127.0.0.1:5000/shop/web@sha256:00"));
        Assert.That(path.Version, Is.EqualTo(new ApiVersion(1, 41)));
    }

    [TestCase("/v1.48/info", "client version 1.48 is too new. Maximum supported API version is 1.47")]
    [TestCase("/v1.23/info", "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version")]
    [TestCase("/v2.0/info", "client version 2.0 is too new. Maximum supported API version is 1.47")]
    public void Versions_outside_of_the_range_are_refused(string path, string message) =>
        Assert.That(() => ApiRoutes.RequireVersion(ApiPath.Parse(path)), Throws.TypeOf<BundtException>().With.Message.EqualTo(message));

    [TestCase("/v1.24/info")]
    [TestCase("/v1.47/info")]
    [TestCase("/info")]
    public void Versions_in_the_range_are_accepted(string path) => Assert.That(() => ApiRoutes.RequireVersion(ApiPath.Parse(path)), Throws.Nothing);
}
