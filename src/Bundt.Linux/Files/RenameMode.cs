namespace Bundt.Linux.Files;

/// <summary>What a rename does when the new name exists (renameat2(2)).</summary>
public enum RenameMode
{
    /// <summary>Replaces it atomically.</summary>
    Replace = 0,
    /// <summary>Fails with EEXIST.</summary>
    NoReplace = 1,
    /// <summary>Swaps the two atomically; both must exist.</summary>
    Exchange = 2,
}
