output "function" {
  description = "The function's name, for `tccli scf Invoke --FunctionName`."
  value       = tencentcloud_scf_function.function.name
}

output "role" {
  description = "The execution role."
  value       = tencentcloud_cam_role.function.name
}

output "policy" {
  description = "What the role may do."
  value       = jsonencode(local.policy)
}

output "environment" {
  description = "The function's environment. Secrets among the settings are in it."
  value       = local.environment
  sensitive   = true
}

output "triggers" {
  description = "The triggers, as the platform knows them; the URL stands in the one of type http."
  value       = tencentcloud_scf_function.function.trigger_info
}
