using Bundt.Linux;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Registry;

/// <summary>Says in dockerd's words why an image could not be had: clients and scripts look for these texts.</summary>
internal static class PullErrors
{
    private const string AccessDenied = "repository does not exist or may require 'docker login'";

    /// <summary>The failures of all places that were asked for a manifest, in order, as one for the user.</summary>
    public static BundtException OfResolve(ImageReference reference, IReadOnlyList<RegistryFailure> failures, bool hadCredentials, string? helper)
    {
        RegistryFailure last = failures[^1];
        if (last.Kind == RegistryFailureKind.Unreachable && failures.Any(failure => failure.Kind == RegistryFailureKind.NotFound))
        {
            // A mirror says that there is no such image, and nobody else can be asked.
            return new BundtException(FailureKind.NotFound, Phase.Resolve, $"pull access denied for {reference.FamiliarName}, {AccessDenied}",
                $"A mirror does not have it, and {last.Message}", last);
        }

        return last.Kind switch
        {
            RegistryFailureKind.NotFound when last.Code == "NAME_UNKNOWN" =>
                new BundtException(FailureKind.NotFound, Phase.Resolve, $"repository {reference.FamiliarName} not found: {last.Said}", inner: last),
            RegistryFailureKind.NotFound =>
                new BundtException(FailureKind.NotFound, Phase.Resolve, $"manifest for {reference.Familiar} not found: {last.Said ?? "manifest unknown: manifest unknown"}", inner: last),
            RegistryFailureKind.Denied =>
                new BundtException(FailureKind.NotFound, Phase.Resolve,
                    $"pull access denied for {reference.FamiliarName}, {AccessDenied}: {last.Said ?? "denied: requested access to the resource is denied"}", LoginHint(helper), last),
            RegistryFailureKind.Unauthorized when hadCredentials =>
                new BundtException(FailureKind.Unauthorized, Phase.Resolve, $"{reference.Registry} refused the login for {reference.FamiliarName}: {last.Said ?? "unauthorized"}",
                    "Log in again with docker login", last),
            RegistryFailureKind.Unauthorized =>
                new BundtException(FailureKind.Unauthorized, Phase.Resolve,
                    $"pull access denied for {reference.FamiliarName}, {AccessDenied}: {last.Said ?? "unauthorized: authentication required"}", LoginHint(helper), last),
            _ => Of(reference, last),
        };
    }

    /// <summary>A failure behind the manifest, or one that has no text of its own in Docker.</summary>
    public static BundtException Of(ImageReference reference, RegistryFailure failure) => new(
        failure.Kind switch
        {
            RegistryFailureKind.Unreachable or RegistryFailureKind.Busy => FailureKind.Unavailable,
            RegistryFailureKind.NotFound => FailureKind.NotFound,
            RegistryFailureKind.Unauthorized or RegistryFailureKind.Denied => FailureKind.Unauthorized,
            _ => FailureKind.Internal,
        },
        Phase.Pull,
        $"pull {reference.Familiar}: {failure.Message}",
        failure.Hint,
        failure);

    /// <summary>A document that breaks the specification.</summary>
    public static BundtException Malformed(ImageReference reference, string what, FormatException error) =>
        new(FailureKind.Internal, Phase.Pull, $"pull {reference.Familiar}: {what}: {error.Message}", inner: error);

    private static string? LoginHint(string? helper) => helper is null
        ? null
        : $"The Docker config file leaves the login to the credential helper docker-credential-{helper}, which Bundt does not run: log in with a plain \"auths\" entry";
}
