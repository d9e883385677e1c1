variable "region" {
  description = "Where the function runs. It reaches buckets in every region."
  type        = string
  default     = "ap-guangzhou"

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z0-9]+)+$", var.region))
    error_message = "A region looks like ap-guangzhou."
  }
}

variable "name" {
  description = "The function's name. The policy names it."
  type        = string
  default     = "cos-sweeper"
}

variable "namespace" {
  description = "The function's namespace."
  type        = string
  default     = "default"
}

variable "role" {
  description = "The name of the execution role and of its policy. Both are created."
  type        = string
  default     = "cos-sweeper"
}

variable "uin" {
  description = "The account's id, from the account page of the console. It is not the APPID."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{5,20}$", var.uin))
    error_message = "The account's id has digits alone, such as 100000000001."
  }
}

variable "buckets" {
  description = "The allow-list for everything: name-appid@region, or \"*\" alone for every bucket that the role can list."
  type        = list(string)

  validation {
    condition = length(var.buckets) > 0 && (var.buckets == tolist(["*"]) || alltrue([
      for bucket in var.buckets : can(regex("^[a-z0-9][a-z0-9-]*-[0-9]+@[a-z0-9-]+$", bucket))
    ]))
    error_message = "Write each bucket as name-appid@region, such as photos-1250000000@ap-guangzhou, or \"*\" alone."
  }
}

variable "appid" {
  description = "The APPID of the account that owns the buckets. Only needed with buckets = [\"*\"]."
  type        = string
  default     = "*"
}

variable "exclude_buckets" {
  description = "Buckets that are never touched: name-appid."
  type        = list(string)
  default     = []
}

variable "prefixes" {
  description = "Only keys under these prefixes; [] for all keys."
  type        = list(string)
  default     = []
}

variable "exclude_prefixes" {
  description = "Never keys under these prefixes. Wins over everything."
  type        = list(string)
  default     = []
}

variable "dry_run" {
  description = "true: the function reports and aborts nothing, and its role may not abort."
  type        = bool
  default     = true
}

variable "report" {
  description = "Where reports are stored: name-appid@region/prefix, in a private bucket; \"\" for none."
  type        = string
  default     = ""

  validation {
    condition     = var.report == "" || can(regex("^[a-z0-9][a-z0-9-]*-[0-9]+@[a-z0-9-]+/[^/]", var.report))
    error_message = "Write it as name-appid@region/prefix, such as reports-1250000000@ap-guangzhou/cos-sweeper."
  }
}

variable "settings" {
  description = "Other settings of docs/settings.md, such as { MIN_AGE_HOURS = \"72\" }."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for name in keys(var.settings) : contains([
      "MIN_AGE_HOURS", "MIN_IDLE_HOURS", "EVENT_MIN_IDLE_MINUTES", "INCLUDE_COMMITTERS", "MAX_ABORTS", "VERIFY",
      "CHAIN_MAX_HOURS", "WORKERS", "FAN_OUT", "PRICE_PER_GB_MONTH", "CURRENCY", "LIFECYCLE_COVERAGE", "HTTP_AUTH",
      "NOTIFY", "RECORD_KEYS",
    ], name)])
    error_message = "There is no such setting, or it has a variable of its own (buckets, prefixes, dry_run, report, secrets)."
  }

  validation {
    condition = alltrue([
      for name in ["MIN_AGE_HOURS", "MIN_IDLE_HOURS", "EVENT_MIN_IDLE_MINUTES", "CHAIN_MAX_HOURS", "WORKERS", "FAN_OUT"] :
      can(regex("^[0-9]+$", lookup(var.settings, name, "0")))
    ])
    error_message = "MIN_AGE_HOURS, MIN_IDLE_HOURS, EVENT_MIN_IDLE_MINUTES, CHAIN_MAX_HOURS, WORKERS and FAN_OUT are whole numbers."
  }
}

variable "secrets" {
  description = "Secret settings: HTTP_TOKEN, NOTIFY_URL, NOTIFY_SECRET, RECORD_KEYS_SECRET. They stand in the state."
  type        = map(string)
  default     = {}
  sensitive   = true

  validation {
    condition = alltrue([
      for name in keys(var.secrets) : contains(["HTTP_TOKEN", "NOTIFY_URL", "NOTIFY_SECRET", "RECORD_KEYS_SECRET"], name)
    ])
    error_message = "Secrets are HTTP_TOKEN, NOTIFY_URL, NOTIFY_SECRET and RECORD_KEYS_SECRET."
  }
}

variable "cron" {
  description = "When the timer fires: second, minute, hour, day, month, day of the week, year. The clock is UTC+8."
  type        = string
  default     = "0 30 3 * * * *"
}

variable "zip_file" {
  description = "What `make package` builds."
  type        = string
  default     = "../../build/function.zip"
}

variable "memory" {
  description = "The function's memory in MB. More memory brings more CPU."
  type        = number
  default     = 128
}

variable "timeout" {
  description = "The time limit of one run in seconds; 900 is the longest."
  type        = number
  default     = 900
}

variable "log_topic" {
  description = "A log set and topic of CLS for the function's log; null for the default topic, which cannot be indexed."
  type        = object({ logset_id = string, topic_id = string })
  default     = null
}

variable "completed_objects" {
  description = "Buckets in the function's region (name-appid) whose completed uploads end older uploads of the same key."
  type        = list(string)
  default     = []
}

variable "ckafka" {
  description = "A CKafka topic that names failed uploads; null for none."
  type        = object({ instance_id = string, topic = string })
  default     = null
}

variable "function_url" {
  description = "Whether the function gets a URL. Set HTTP_TOKEN in secrets: without it every request gets 403."
  type        = bool
  default     = false
}
