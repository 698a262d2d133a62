using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Templates;

namespace Bundt.Cli.Commands;

/// <summary><c>inspect</c>: containers, images, networks and volumes, asked for in this order.</summary>
internal static class InspectCommand
{
    /// <summary>Prints what is found; the others are errors after that.</summary>
    public static int Execute(InspectOptions options, DaemonClient client)
    {
        if (options.Type is not (null or "container" or "image" or "network" or "volume"))
        {
            throw new UsageException($"\"{options.Type}\" is not a valid value for --type: it must be container, image, network or volume");
        }

        Template? template = string.IsNullOrEmpty(options.Format) ? null : Template.Parse(options.Format == "json" ? "{{json .}}" : options.Format);
        List<JsonElement> found = [];
        List<Exception> failures = [];
        foreach (string name in options.Names)
        {
            try
            {
                JsonElement thing = Find(client, options, name);
                found.Add(thing);
                if (template is not null)
                {
                    StandardStreams.OutLine(template.Execute(thing));
                }
            }
            catch (Exception e) when (e is ApiException)
            {
                failures.Add(e);
            }
        }

        if (template is null)
        {
            Print(found);
        }

        foreach (Exception failure in failures)
        {
            Failure.Report(failure);
        }

        return failures.Count > 0 ? Failure.Code : 0;
    }

    /// <summary>Prints a list of objects, indented as docker does.</summary>
    public static void Print(IReadOnlyList<JsonElement> things)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, IndentSize = 4, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (JsonElement thing in things)
            {
                thing.WriteTo(json);
            }

            json.WriteEndArray();
        }

        StandardStreams.OutLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static JsonElement Find(DaemonClient client, InspectOptions options, string name)
    {
        (string Type, string Target)[] places =
        [
            ("container", $"/containers/{DaemonClient.Escape(name)}/json{(options.Size ? "?size=1" : "")}"),
            ("image", $"/images/{DaemonClient.EscapePath(name)}/json"),
            ("network", $"/networks/{DaemonClient.Escape(name)}"),
            ("volume", $"/volumes/{DaemonClient.Escape(name)}"),
        ];
        ApiException? ambiguous = null;
        foreach ((string type, string target) in places)
        {
            if (options.Type is not null && options.Type != type)
            {
                continue;
            }

            try
            {
                return client.FetchJson("GET", target);
            }
            catch (ApiException e) when (options.Type is null && e.Status is 404 or 400)
            {
                // A name that no container has may still be an image's. What is no image's name at all may be a volume's, but an ambiguous id is the user's.
                ambiguous ??= e.Status == 400 && type == "container" ? e : null;
            }
        }

        throw ambiguous ?? new ApiException(404, "No such object: " + name);
    }
}
