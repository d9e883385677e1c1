# NOT APPLIED by the authors of COS Sweeper: they have no account. See README.md for what was checked.

resource "tencentcloud_cam_role" "function" {
  name        = var.role
  document    = jsonencode(local.trust)
  description = "The execution role of the function ${var.name}"
}

resource "tencentcloud_cam_policy" "function" {
  name        = var.role
  document    = jsonencode(local.policy)
  description = "What the function ${var.name} may do"
}

resource "tencentcloud_cam_role_policy_attachment_by_name" "function" {
  role_name   = tencentcloud_cam_role.function.name
  policy_name = tencentcloud_cam_policy.function.name
}

resource "tencentcloud_scf_function" "function" {
  name        = var.name
  namespace   = var.namespace
  description = "Aborts abandoned multipart uploads in COS"
  handler     = "index.main_handler"
  runtime     = "Python3.10"
  role        = tencentcloud_cam_role.function.name
  zip_file    = var.zip_file
  mem_size    = var.memory
  timeout     = var.timeout
  environment = local.environment
  # Buckets of other regions are reached over the public network.
  enable_public_net = true
  cls_logset_id     = var.log_topic == null ? null : var.log_topic.logset_id
  cls_topic_id      = var.log_topic == null ? null : var.log_topic.topic_id

  # The provider switches each of these on. If the list changes, it deletes all triggers and creates them again.
  # The timer has no argument: the function then sweeps as the settings say.
  triggers {
    name         = "nightly"
    type         = "timer"
    trigger_desc = var.cron
  }

  dynamic "triggers" {
    for_each = var.completed_objects
    content {
      name       = "${triggers.value}.cos.${var.region}.myqcloud.com"
      type       = "cos"
      cos_region = var.region
      trigger_desc = jsonencode({
        event  = "cos:ObjectCreated:CompleteMultipartUpload"
        filter = { Prefix = "", Suffix = "" }
      })
    }
  }

  dynamic "triggers" {
    for_each = var.ckafka == null ? [] : [var.ckafka]
    content {
      name         = "${triggers.value.instance_id}-${triggers.value.topic}"
      type         = "ckafka"
      trigger_desc = jsonencode({ maxMsgNum = "100", offset = "latest" })
    }
  }

  dynamic "triggers" {
    for_each = var.function_url ? [true] : []
    content {
      name = "url"
      type = "http"
      trigger_desc = jsonencode({
        AuthType  = lookup(var.settings, "HTTP_AUTH", "token") == "platform" ? "CAM" : "NONE"
        NetConfig = { EnableIntranet = true, EnableExtranet = true }
      })
    }
  }

  # A run that begins before the role may do something fails.
  depends_on = [tencentcloud_cam_role_policy_attachment_by_name.function]
}
