using System.Diagnostics.CodeAnalysis;
using CommandLine;

namespace Bundt.Daemon.Configuration;

/// <summary>CommandLineParser reflects over the options class: this keeps all of it in the trimmed program.</summary>
internal static class AotParsing
{
    /// <summary>Parses into a class whose members the trimmer keeps.</summary>
    public static ParserResult<T> Parse<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>(Parser parser, string[] arguments) =>
        parser.ParseArguments<T>(arguments);
}
