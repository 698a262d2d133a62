using System.Collections;

namespace Bundt.Linux.Processes;

/// <summary>This process's environment as a child's envp.</summary>
public static class OwnEnvironment
{
    /// <summary>"KEY=value" entries.</summary>
    public static List<string> Variables()
    {
        var variables = new List<string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            variables.Add($"{variable.Key}={variable.Value}");
        }

        return variables;
    }
}
