namespace Bundt.Oci.Runtime;

/// <summary>A condition on an argument of a system call.</summary>
/// <param name="Index">Argument, 0 to 5.</param>
/// <param name="Value">What it is compared with; for SCMP_CMP_MASKED_EQ the mask.</param>
/// <param name="ValueTwo">For SCMP_CMP_MASKED_EQ what the masked argument is compared with.</param>
/// <param name="Op">"SCMP_CMP_EQ" …</param>
public readonly record struct SeccompArg(int Index, ulong Value, ulong ValueTwo, string Op);
